"""The kernel contract: `_cpu` and `_cuda` offer the same functions with the same arguments."""

import ast
from pathlib import Path

import fastmi

STUBS = {name: Path(fastmi.__file__).with_name(f"{name}.pyi") for name in ("_cpu", "_cuda")}

# The ops that csrc/bindings/ops.h describes.
CONTRACT = {
    "ceiling_probe",
    "choose_algorithm",
    "count_within",
    "first_unusable",
    "kneighbors",
    "ksg",
    "ksg_pairs",
    "ksg_surrogates",
    "ksg_sweep",
    "kth_distance",
    "space_counts",
}
# What describes the module itself.
BOTH = {"build_info"}
# Digamma values, counts with a Theiler window, surrogates of conditional tests, estimates of Ross
# (2014) for many classes of one column and the look at samples for coincidences exist for host
# memory only; of samples on a GPU some thousand rows are copied to be looked at. A pass through a
# flow in host memory is an object that keeps what its backward pass needs. Pools of threads, which
# a flag stops, work in host memory alone, because estimates on a GPU share a stream. The search of
# one sample in another serves divergences, which take samples in host memory.
CPU_ALONE = {
    "BnafPassF32",
    "BnafPassF64",
    "StopFlag",
    "coincidences",
    "digamma",
    "exchange",
    "exchanged_counts",
    "heed_stop",
    "kneighbors_among",
    "simd_level",
    "simd_levels",
    "rectangle_counts",
    "rectangle_radii",
    "ross_estimates",
    "theiler_counts",
}
# Devices, their memory and streams. Flows on a GPU take addresses of memory that torch allocated,
# so that a graph can capture them.
CUDA_ALONE = {
    "Buffer",
    "bnaf_backward",
    "bnaf_sizes",
    "device_count",
    "device_info",
    "driver_info",
    "pointer_device",
    "synchronize",
}
# Both modules have it, but with different arguments, for the reasons given above.
UNLIKE = {"bnaf_forward"}


def offered(module):
    """Return the names in a stub; for functions the parameters, and which have defaults."""
    found = {}
    for node in ast.parse(STUBS[module].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            assert not arguments.posonlyargs
            assert not arguments.kwonlyargs
            named = [argument.arg for argument in arguments.args]
            found[node.name] = (named, [ast.unparse(value) for value in arguments.defaults])
        elif isinstance(node, ast.ClassDef):
            found[node.name] = None
    return found


def test_both_modules_offer_the_contract_in_the_same_words():
    cpu, cuda = offered("_cpu"), offered("_cuda")
    for name in sorted(CONTRACT | BOTH):
        assert cpu[name] == cuda[name], name
    assert cpu.keys() == CONTRACT | BOTH | UNLIKE | CPU_ALONE
    assert cuda.keys() == CONTRACT | BOTH | UNLIKE | CUDA_ALONE


def test_every_op_ends_with_the_threads():
    """Ops that do no work on samples, or need a single thread, have no such argument."""
    for name in CONTRACT - {"choose_algorithm", "first_unusable"}:
        assert offered("_cpu")[name][0][-1] == "threads", name
