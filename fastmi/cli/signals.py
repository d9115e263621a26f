"""Ctrl-C and other signals end the command at once, and leave nothing half written."""

import os
import signal
import threading
import time
from types import FrameType

from fastmi.cli.output import discard_unfinished

_ENDINGS = {
    signal.SIGINT: b"interrupted\n",
    signal.SIGTERM: b"terminated\n",
    signal.SIGHUP: b"the terminal was closed\n",
}
# Removes a progress bar from its line and shows the cursor, which the bar hides.
_BARE_LINE = b"\r\x1b[2K\x1b[?25h"
_said = threading.Lock()


def end_at_signals() -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP end the process at once, whatever it is computing.

    Python acts on a signal when its main thread is back from the function that it is in, which can
    be long in a library. A second thread learns of the signal at once, and ends the process where
    that function has released the lock of the interpreter, as long ones do. Nothing is half
    written, because what is being written has another name until it is complete.
    """
    receiving, sending = os.pipe()
    os.set_blocking(sending, False)
    signal.set_wakeup_fd(sending, warn_on_full_buffer=False)
    for number in _ENDINGS:
        # `nohup` and shells that run a job in the background have the signal ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)
    threading.Thread(target=_watch, args=(receiving,), daemon=True).start()


def _watch(receiving: int) -> None:
    while number := os.read(receiving, 1):
        if number[0] in _ENDINGS:
            _end(number[0], None)


def _end(number: int, _frame: FrameType | None) -> None:
    discard_unfinished()
    if _said.acquire(blocking=False):
        line = _BARE_LINE if os.isatty(2) else b""
        try:
            os.write(2, line + _ENDINGS[signal.Signals(number)])
        finally:
            os._exit(128 + number)
    # The other thread is about to end the process.
    time.sleep(1)
    os._exit(128 + number)
