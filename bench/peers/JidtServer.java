import infodynamics.measures.continuous.kraskov.MutualInfoCalculatorMultiVariateKraskov1;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Paths;

/**
 * Answers one estimate per line of stdin, so that the JVM is warm and its start is not timed.
 *
 * Request: n dx dy k threads path, where path holds n rows of dx + dy little-endian doubles.
 * Answer: value-in-nats seconds.
 */
public final class JidtServer {
    public static void main(String[] args) throws Exception {
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String[] fields = line.split(" ", 6);
            int n = Integer.parseInt(fields[0]);
            int dx = Integer.parseInt(fields[1]);
            int dy = Integer.parseInt(fields[2]);
            double[][] x = new double[n][dx];
            double[][] y = new double[n][dy];
            read(fields[5], x, y);

            long start = System.nanoTime();
            MutualInfoCalculatorMultiVariateKraskov1 calculator =
                new MutualInfoCalculatorMultiVariateKraskov1();
            calculator.setProperty("k", fields[3]);
            calculator.setProperty("NUM_THREADS", fields[4]);
            calculator.setProperty("NORMALISE", "false");
            calculator.setProperty("NOISE_LEVEL_TO_ADD", "0");
            calculator.initialise(dx, dy);
            calculator.setObservations(x, y);
            double value = calculator.computeAverageLocalOfObservations();
            double seconds = (System.nanoTime() - start) * 1e-9;
            System.out.println(value + " " + seconds);
            System.out.flush();
        }
    }

    private static void read(String path, double[][] x, double[][] y) throws Exception {
        try (FileChannel file = FileChannel.open(Paths.get(path))) {
            int bytesPerRow = 8 * (x[0].length + y[0].length);
            ByteBuffer row = ByteBuffer.allocate(bytesPerRow * 1024).order(ByteOrder.LITTLE_ENDIAN);
            row.limit(0);
            for (int i = 0; i < x.length; i++) {
                if (row.remaining() < bytesPerRow) {
                    row.compact();
                    while (row.position() < bytesPerRow && file.read(row) >= 0) {
                        continue;
                    }
                    row.flip();
                }
                for (int j = 0; j < x[i].length; j++) {
                    x[i][j] = row.getDouble();
                }
                for (int j = 0; j < y[i].length; j++) {
                    y[i][j] = row.getDouble();
                }
            }
        }
    }
}
