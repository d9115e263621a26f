"""Development tasks: `nox -s NAME` runs one, `nox -l` lists them; `.ci/run` is what CI runs."""

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "venv"

PROJECT = nox.project.load_toml("pyproject.toml")
CONSTRAINTS = "constraints/ci.txt"
SANITIZERS = {"asan": "address,undefined", "tsan": "thread"}


def install(session: nox.Session, *requirements: str, groups: tuple[str, ...] = ()) -> None:
    """Install pip requirements and dependency groups at the versions CI uses."""
    named = nox.project.dependency_groups(PROJECT, *groups)
    session.install("-c", CONSTRAINTS, *requirements, *named)


@nox.session
def lint(session: nox.Session) -> None:
    """Run ruff, clang-format, import layers, codespell, metadata and types."""
    install(session, ".[cli]", groups=("lint", "types"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    sources = [
        str(path)
        for folder in ("csrc", "tests/cpp")
        for path in sorted(Path(folder).rglob("*"))
        if path.suffix in {".h", ".cpp", ".cu", ".cuh"}
    ]
    session.run("clang-format", "--dry-run", "-Werror", *sources)
    session.run("lint-imports")
    session.run("codespell")
    session.run("validate-pyproject", "pyproject.toml")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the Python tests; arguments after -- go to pytest."""
    install(session, ".[test,torch]")
    session.run("pytest", *session.posargs)


@nox.session
@nox.parametrize("packages", ["causal-learn pgmpy", "dowhy"])
def doors(session: nox.Session, packages: str) -> None:
    """Run the tests of fastmi.compat in the packages that it plugs into."""
    # DoWhy asks for an older SciPy than the other environments have.
    constraints = "constraints/dowhy.txt" if packages == "dowhy" else CONSTRAINTS
    session.install("-c", constraints, ".", "pytest", "hypothesis", *packages.split())
    tests = [f"tests/test_compat_{name.replace('-', '')}.py" for name in packages.split()]
    session.run("pytest", *tests, *session.posargs)


@nox.session
def scalar(session: nox.Session) -> None:
    """Run the Python tests at the scalar SIMD level."""
    install(session, ".[test]")
    session.run("pytest", *session.posargs, env={"FASTMI_SIMD_LEVEL": "scalar"})


@nox.session
def cpp(session: nox.Session) -> None:
    """Run the C++ tests; after -- one of dev (default), tidy, asan, tsan."""
    mode = session.posargs[0] if session.posargs else "dev"
    install(session, groups=("build",))
    if mode == "tidy":
        install(session, "clang-tidy")
    cmake_dir = session.run("pybind11-config", "--cmakedir", silent=True)
    build = f"build/{mode}"
    options = {
        "CMAKE_BUILD_TYPE": "RelWithDebInfo",
        "CMAKE_EXPORT_COMPILE_COMMANDS": "ON",
        "FASTMI_CUDA": "OFF",
        "FASTMI_SANITIZE": SANITIZERS.get(mode, ""),
        "FASTMI_TESTS": "ON",
        "FASTMI_WERROR": "ON",
        "pybind11_DIR": str(cmake_dir).strip(),
    }
    defines = [f"-D{name}={value}" for name, value in options.items()]
    session.run("cmake", "-S", ".", "-B", build, "-G", "Ninja", *defines)
    if mode == "tidy":
        sources = [str(path) for path in sorted(Path("csrc").rglob("*.cpp"))]
        session.run("clang-tidy", "-p", build, "--quiet", *sources)
        return
    session.run("cmake", "--build", build)
    session.run("ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error")


@nox.session
def sanitize(session: nox.Session) -> None:
    """Fuzz under sanitizers; after -- asan (default) or tsan, then options of the fuzzer."""
    mode, *options = session.posargs or ["asan"]
    session.install(
        *("-c", CONSTRAINTS, f"-Cbuild-dir=build/sanitize-{mode}", ".[test]"),
        env={"FASTMI_SANITIZE": SANITIZERS[mode], "FASTMI_CUDA": "OFF"},
    )
    # Python itself has no sanitizer: the runtime library comes first, and with it that of C++,
    # whose exceptions the former watches.
    names = (f"lib{mode}.so", "libstdc++.so.6")
    libraries = [
        str(session.run("g++", f"-print-file-name={name}", silent=True, external=True)).strip()
        for name in names
    ]
    env = {
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python leaves much to the end of the process
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "TSAN_OPTIONS": "halt_on_error=1:die_after_fork=0",
        "OPENBLAS_NUM_THREADS": "1",
    }
    # ThreadSanitizer cannot place its memory where addresses are random to more than 28 bits.
    fixed = ("setarch", "--addr-no-randomize")
    fuzzer = ("tests/fuzz/differential.py", *(options or ["--seconds", "60"]))
    session.run(*fixed, "python", *fuzzer, env=env, external=True)
    if mode == "asan":
        after = ("python", "tests/faults/overwritten.py", "--seconds", "1")
    else:
        after = ("pytest", "tests/test_threads.py", "-k", "Python")
    session.run(*fixed, *after, env=env, external=True)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Hunt for wrong answers; after -- a program of tests/fuzz (differential) and its options."""
    name, *options = session.posargs or ["differential", "--seconds", "60"]
    if name == "differential":
        install(session, ".[test]")
        session.run("python", "tests/fuzz/differential.py", *options)
    else:
        install(session, ".[test,torch]", groups=("fuzz",))
        session.run("python", f"tests/fuzz/fuzz_{name}.py", *options)


@nox.session
def stubs(session: nox.Session) -> None:
    """Write the stubs of the built modules; `-- --check` only compares."""
    install(session, ".", groups=("lint", "types"))
    session.run(".ci/stubs", *session.posargs, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Compare fastmi with its rivals; arguments after -- go to bench/bench_mi.py."""
    install(session, ".[bench]")
    session.run("python", "bench/bench_mi.py", *session.posargs)


@nox.session
def ops(session: nox.Session) -> None:
    """Time every operation and compare with the run before; arguments after -- go to pytest."""
    install(session, ".[bench,torch]")
    compare = ("--benchmark-autosave", "--benchmark-compare")
    session.run("pytest", "bench/ops", *compare, *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel and test it in an environment that has NumPy alone."""
    dist = session.create_tmp()
    session.run("pip", "wheel", "--no-deps", "--wheel-dir", dist, ".")
    session.install(
        "-c", "constraints/oldest.txt", *map(str, Path(dist).glob("*.whl")), "pytest", "hypothesis"
    )
    session.run("pytest", "tests/test_package.py")
