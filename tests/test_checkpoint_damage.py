"""Files that are no checkpoint, or none any more: each is one ValueError and changes nothing."""

import gzip
import io
import json
import os
import pickle
import struct
import zipfile
from time import perf_counter

import numpy as np
import pytest

from checkpoints import put_together, take_apart
from trainings import Problem

pytest.importorskip("torch")
import torch

from fastmi.nn import checkpoint_files

pytestmark = pytest.mark.usefixtures("one_torch_thread")

REFUSED = r"checkpoint must be a file that an earlier run wrote; got '.*run', which is "
HEAD = 16 + 4 + 8 + 32


def run(path, **options):
    problem = Problem()
    options = {"steps": 5, "eval_every": 2, "lr": 0.01, "schedule": falling} | options
    problem.train(**options, checkpoint=path)
    return problem


def falling(optimizer):
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a checkpoint after 5 steps, the last of them."""
    path = tmp_path_factory.mktemp("good") / "run"
    run(path)
    return path.read_bytes()


def refuses(path, steps=8, said=""):
    """Check that a run does not go on from `path`, and is as if it had not begun."""
    problem, random = Problem(), torch.get_rng_state()
    initial = problem.weights()
    start = perf_counter()
    with pytest.raises(ValueError, match=REFUSED + said) as caught:
        problem.train(
            steps=steps,
            eval_every=2,
            lr=0.01,
            schedule=falling,
            checkpoint=path,
            resume=True,
        )
    assert perf_counter() - start < 5.0
    assert len(str(caught.value)) < 2000
    assert torch.equal(problem.weights(), initial)
    assert not problem.model.training
    assert problem.calls == 0
    assert torch.equal(torch.get_rng_state(), random)
    assert [one.name for one in path.parent.iterdir() if one.name.endswith(".tmp")] == []


def sealed(content, version=1):
    """Return the bytes of a file with this content and a digest that fits."""
    head = struct.pack("<16sIQ", b"\x89fastmi run\r\n\x1a\n\0", version, len(content))
    return head + checkpoint_files._digest(head, [content]) + content


def cut(good):
    lengths = [*range(1, HEAD + 1), *np.linspace(HEAD + 1, len(good) - 1, 40).astype(int)]
    return {f"cut to {length}": good[:length] for length in lengths} | {"empty": b""}


def flipped(good):
    rng = np.random.default_rng(0)
    places = [*range(HEAD + 8), *rng.integers(HEAD, len(good), 120), len(good) - 1]
    found = {}
    for place in places:
        changed = bytearray(good)
        changed[place] ^= 1 << int(rng.integers(8))
        found[f"bit of byte {place}"] = bytes(changed)
    return found


def mangled(good):
    middle = len(good) // 2
    page = 512
    return {
        "a byte more": good + b"\0",
        "twice": good + good,
        "zeros at the end": good[:-page] + bytes(page),
        "zeros in the middle": good[:middle] + bytes(page) + good[middle + page :],
        "zeros at the begin": bytes(page) + good[page:],
        "all zeros": bytes(len(good)),
        "all ones": b"\xff" * len(good),
        "a byte inserted": good[:middle] + b"x" + good[middle:],
        "a byte left out": good[:middle] + good[middle + 1 :],
        "halves exchanged": good[middle:] + good[:middle],
        "backwards": good[::-1],
        "line ends of Unix": good.replace(b"\r\n", b"\n"),
        "line ends of Windows": good.replace(b"\n", b"\r\n"),
        "as text": good.decode("latin-1").encode("utf-8"),
        "without head": good[HEAD:],
        "head alone": good[:HEAD],
        "two heads": good[:HEAD] + good,
        "an endless length": good[:20] + struct.pack("<Q", 2**64 - 1) + good[28:],
        "another version": sealed(good[HEAD:], 2),
    }


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def foreign(folder):
    """Return files of other kinds, some of which run code where pickles are read."""
    folder = str(folder)
    archive, table, model = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(1 << 20))
    np.savez(table, x=np.ones(9))
    torch.save({"model": torch.nn.Linear(2, 2).state_dict()}, model)
    found = {
        "text": b"hello\n",
        "JSON": b'{"run": {}, "state": {}}',
        "table": b"x,y\n1,2\n",
        "PNG": b"\x89PNG\r\n\x1a\n" + bytes(99),
        "gzip": gzip.compress(b"hello"),
        "zip": archive.getvalue(),
        "npz": table.getvalue(),
        "torch": model.getvalue(),
    }
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        found[f"pickle {protocol}"] = pickle.dumps(Bomb(folder), protocol)
    for name, new in (("zip of torch", True), ("pickle of torch", False)):
        file = io.BytesIO()
        torch.save(Bomb(folder), file, _use_new_zipfile_serialization=new)
        found[name] = file.getvalue()
    return found


def contents():
    """Return contents that a digest would fit, but that are not of the form."""
    text = {
        "no text": b"",
        "no JSON": b"{",
        "no Unicode": b'"\xff"',
        "a number": b"3",
        "a long number": b"9" * 5000,
        "null": b"null",
        "a mapping": b"{}",
        "a list": b"[]",
        "a list of no kind": b"[1, 2]",
        "an unknown kind": b'["object", 1]',
        "a pair of one": b'["dict", [1]]',
        "a pair of three": b'["dict", [1, 2, 3]]',
        "a key that is a list": b'["dict", [["list"], 1]]',
        "a count of nothing": b'["Counter", 3]',
        "a set of lists": b'["set", ["list"]]',
        "a tensor without shape": b'["tensor", "torch.float32"]',
        "a tensor of no type": b'["tensor", "torch.object", [1], false]',
        "a type that is a list": b'["tensor", ["torch.float32"], [1], false]',
        "a module of torch": b'["tensor", "torch.nn", [1], false]',
        "a negative length": b'["tensor", "torch.uint8", [-1], false]',
        "a length of a half": b'["tensor", "torch.uint8", [0.5], false]',
        "a length that is true": b'["tensor", "torch.uint8", [true], false]',
        "a huge tensor": b'["tensor", "torch.float64", [1000000000000], false]',
        "an overflowing tensor": b'["tensor", "torch.uint8", [4294967296, 4294967296], false]',
        "an empty overflow": b'["tensor", "torch.uint8", [0, 4294967296, 4294967296], false]',
        "many dimensions": b'["tensor", "torch.uint8", [' + b"1," * 99 + b"1], false]",
        "a tensor elsewhere": b'["tensor", "torch.uint8", [0], "cuda:9"]',
        "deep": b'["list",' * 100_000 + b"1" + b"]" * 100_000,
        "deep in JSON": b"[" * 100_000,
        "nothing of a run": b'["dict", ["run", 1], ["state", 2]]',
        "another part": b'["dict", ["run", 1], ["state", 2], ["more", 3]]',
    }
    found = {name: struct.pack("<Q", len(one)) + one for name, one in text.items()}
    return found | {
        "four bytes": b"1234",
        "a text too long": struct.pack("<Q", 1 << 60) + b"1",
        "bytes left over": struct.pack("<Q", 1) + b"11",
    }


def altered(saved):
    """Return what a checkpoint holds, with one thing wrong each time."""
    state = saved["state"]
    order, n = state["order"], len(state["order"])
    weight = "0.weight"
    first = state["optimizer"]["state"][0]
    found = {
        "no run": {"state": state},
        "no state": {"run": saved["run"]},
        "a state that is a list": saved | {"state": [1]},
        "a run that is none": saved | {"run": None},
        "a run that is a list": saved | {"run": "[]"},
        "a run without model": saved | {"run": "{}"},
        "a run nested deeply": saved | {"run": "[" * 100_000},
        "a model that is a word": saved
        | {"run": json.dumps(json.loads(saved["run"]) | {"parts of the model": "x"})},
        "one part more": saved | {"state": state | {"more": 1}},
    }

    def wrong(name, **parts):
        found[name] = saved | {"state": state | parts}

    for name in state:
        found[f"without {name}"] = saved | {
            "state": {other: one for other, one in state.items() if other != name}
        }
        if state[name] is not None:
            wrong(f"{name} None", **{name: None})
        wrong(f"{name} of another kind", **{name: "word"})
        wrong(f"{name} a tensor", **{name: torch.ones(3)})
        wrong(f"{name} an empty list", **{name: []})
    for which in ("model", "kept"):
        tensors = state[which]
        rest = {name: one for name, one in tensors.items() if name != weight}
        wrong(f"{which} without weights", **{which: rest})
        wrong(f"{which} with more", **{which: tensors | {"more": torch.ones(1)}})
        for name, one in (
            ("larger", torch.ones(2, 3)),
            ("turned", torch.ones(3, 1)),
            ("flat", torch.ones(3)),
            ("double", torch.ones(1, 3).double()),
            ("whole", torch.ones(1, 3).int()),
            ("listed", [[1.0, 2.0, 3.0]]),
        ):
            wrong(f"{which} with {name} weights", **{which: tensors | {weight: one}})
    wrong("an order too short", order=order[1:])
    wrong("an order of floats", order=order.double())
    for name, place in (("beyond", n), ("below", -1), ("twice", int(order[1]))):
        wrong(
            f"an order with a row {name}", order=torch.cat((order.new_tensor([place]), order[1:]))
        )
    for name, values in {
        "position": [-1, n + 1, 1.5, True],
        "step": [-1, 0, 4, 6, 5.0, True, 10**30],
        "best_step": [-1, 6],
        "waited": [-1, 4],
        "seconds": [float("nan"), float("inf")],
        "best_score": [True],
        "steps": [[2, 4], [4, 2, 5], [2, 2, 5], [0, 4, 5], [2, 4, 5.0], (2, 4, 5), [2, 4, 6]],
        "train": [[1.0], [1, 2, 3], ["a", "b", "c"]],
        "validation": [[1.0] * 4, [None] * 3],
    }.items():
        for value in values:
            wrong(f"{name} {value}", **{name: value})
    for length in (0, 7, 10**4):
        wrong(f"{length} bytes of generator", generator=torch.zeros(length, dtype=torch.uint8))
        wrong(f"{length} bytes of random", random=[torch.zeros(length, dtype=torch.uint8)])
    wrong("a generator of nonsense", generator=torch.full_like(state["generator"], 255))
    wrong("two random states", random=state["random"] * 2)
    optimizer = state["optimizer"]
    groups = optimizer["param_groups"]
    for name, group in {
        "lr a word": {"lr": "fast"},
        "lr a list": {"lr": [1.0]},
        "betas of one": {"betas": (0.9,)},
        "betas words": {"betas": ("a", "b")},
        "no parameters": {"params": []},
        "one parameter": {"params": [0]},
    }.items():
        changed = optimizer | {"param_groups": [groups[0] | group]}
        wrong(f"optimizer with {name}", optimizer=changed)
    wrong("optimizer without groups", optimizer={"state": optimizer["state"]})
    wrong("optimizer without state", optimizer={"param_groups": groups})
    wrong("optimizer with two groups", optimizer=optimizer | {"param_groups": groups * 2})
    for name, one in {
        "nothing": {},
        "a word": "word",
        "no step": {key: value for key, value in first.items() if key != "step"},
        "no average": {key: value for key, value in first.items() if key != "exp_avg"},
        "a short average": first | {"exp_avg": torch.ones(1)},
        "a long average": first | {"exp_avg": torch.ones(9, 9)},
        "an average of one number": first | {"exp_avg": torch.ones(())},
        "a step of three": first | {"step": torch.ones(3)},
        "a word for a step": first | {"step": "word"},
    }.items():
        wrong(
            f"optimizer state with {name}",
            optimizer=optimizer | {"state": optimizer["state"] | {0: one}},
        )
    wrong(
        "optimizer state of a third",
        optimizer=optimizer | {"state": optimizer["state"] | {2: first}},
    )
    schedule = state["schedule"]
    for name, value in {
        "last_epoch": "word",
        "gamma": "word",
        "milestones": [1, 2],
        "base_lrs": [0.1, 0.2],
    }.items():
        wrong(f"schedule with another {name}", schedule=schedule | {name: value})
    return found


GROUPS = ["cut", "flipped", "mangled", "foreign", "contents", "altered"]


def kinds(group, good, path):
    """Return the damages of a group by name, each a function that writes the file."""
    if group == "altered":
        path.write_bytes(good)
        return {
            name: lambda one=one: put_together(path, one)
            for name, one in altered(take_apart(path)).items()
        }
    if group == "contents":
        files = {name: sealed(one) for name, one in contents().items()}
    else:
        files = {"cut": cut, "flipped": flipped, "mangled": mangled}.get(group, foreign)(
            path.parent / "exploded" if group == "foreign" else good
        )
    return {name: lambda one=one: path.write_bytes(one) for name, one in files.items()}


@pytest.mark.parametrize("group", GROUPS)
def test_every_damage_is_one_error(group, good, tmp_path):
    path = tmp_path / "run"
    for name, write in kinds(group, good, path).items():
        write()
        try:
            refuses(path)
        except (Exception, pytest.fail.Exception) as error:
            raise AssertionError(f"damage that was let through: {name}") from error
    assert not (tmp_path / "exploded").exists()


def test_there_are_many_kinds(good, tmp_path):
    numbers = {group: len(kinds(group, good, tmp_path / "run")) for group in GROUPS}
    assert sum(numbers.values()) >= 164, numbers
    assert min(numbers.values()) >= 16, numbers
