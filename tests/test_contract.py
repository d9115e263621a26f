"""The kernel contract: what `_cpu` and `_cuda` both offer they offer in the same words."""

import ast
from pathlib import Path

import fastmi

STUBS = {name: Path(fastmi.__file__).with_name(f"{name}.pyi") for name in ("_cpu", "_cuda")}

# csrc/bindings/ops.h describes them.
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
# What a module says of itself.
BOTH = {"build_info"}
# Series and single numbers are worked on where NumPy has them; flows in host memory keep what a
# backward pass needs in an object of their own, which brings its gradients.
CPU_ALONE = {
    "BnafPassF32",
    "BnafPassF64",
    "digamma",
    "simd_level",
    "simd_levels",
    "theiler_counts",
}
# Devices, their memory and streams; flows on a GPU work in memory of torch's, so that a graph can
# capture them, and take addresses.
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
# Of one name and purpose, but on what the lines above tell.
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
    """All but those that do no work on samples or need one thread alone."""
    for name in CONTRACT - {"choose_algorithm", "first_unusable"}:
        assert offered("_cpu")[name][0][-1] == "threads", name
