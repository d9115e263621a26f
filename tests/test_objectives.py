"""Objectives on critic scores: values, gradients, and the truth under the exact critic."""

import math

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from fastmi import nn
from fastmi._feasible import feasible_limit
from reference import objectives as reference

PLAIN = {
    "dv": (nn.dv, reference.dv),
    "nwj": (nn.nwj, lambda p, q: reference.tuba(p, q, 1.0)),
    "tuba": (nn.tuba, lambda p, q: reference.tuba(p, q, 0.0)),
    "tuba-0.3": (
        lambda *s: nn.tuba(*s, log_baseline=0.3),
        lambda p, q: reference.tuba(p, q, 0.3),
    ),
    "jensen": (nn.jensen, reference.jensen),
    "logistic": (
        lambda *s: nn.logistic(*s, alpha=0.2),
        lambda p, q: reference.logistic(p, q, 0.2),
    ),
    "smile": (lambda *s: nn.smile(*s, tau=0.7), lambda p, q: reference.smile(p, q, 0.7)),
    "smile-inf": (lambda *s: nn.smile(*s, tau=math.inf), reference.dv),
    "clipped": (
        lambda *s: nn.clipped_dv(*s, limit=0.6),
        lambda p, q: reference.clipped_dv(p, q, 0.6),
    ),
    "demi": (lambda *s: nn.demi(*s, alpha=0.2), lambda p, q: reference.demi(p, q, 0.2)),
}


@pytest.fixture
def scores():
    return torch.from_numpy(np.random.default_rng(0).normal(scale=1.5, size=(7, 7)))


@pytest.mark.parametrize("name", PLAIN)
def test_values_on_a_matrix_and_on_parts(name, scores):
    ours, theirs = PLAIN[name]
    joint, product = reference.parts(scores.numpy())
    expected = theirs(joint, product)
    assert float(ours(scores)) == pytest.approx(expected, rel=1e-12)
    parts = torch.from_numpy(joint), torch.from_numpy(product.reshape(6, 7))
    assert float(ours(*parts)) == pytest.approx(expected, rel=1e-12)


def test_infonce_value(scores):
    assert float(nn.infonce(scores)) == pytest.approx(reference.infonce(scores.numpy()), rel=1e-12)


@pytest.mark.parametrize("anchor", [0.05, 0.5, 0.9])
def test_infonce_anchor_value(anchor, scores):
    expected = reference.infonce_anchor(scores.numpy(), anchor)
    assert float(nn.infonce_anchor(scores, anchor=anchor)) == pytest.approx(expected, rel=1e-12)
    off = ~torch.eye(7, dtype=torch.bool)
    product = scores[off].view(7, 6).T
    parts = nn.infonce_anchor(scores.diagonal(), product, anchor=anchor)
    assert float(parts) == pytest.approx(expected, rel=1e-12)


def test_infonce_anchor_of_one_candidate_is_a_classifier(scores):
    joint, product = scores.diagonal(), scores[0]
    shift = math.log(0.3 / 0.7)
    expected = nn.logistic(joint - shift, product - shift, alpha=0.7)
    assert float(nn.infonce_anchor(joint, product, anchor=0.3)) == pytest.approx(float(expected))


def test_the_optimum_of_infonce_anchor_is_the_log_ratio_itself():
    """All pairs of a table of 2 x 3 values, each set of K = 2 candidates by its probability."""
    table = torch.tensor([[0.30, 0.05, 0.15], [0.02, 0.28, 0.20]], dtype=torch.float64)
    px, py = table.sum(1), table.sum(0)
    truth = (table / (px[:, None] * py)).log()
    sets = [(x, j, a, b) for x in range(2) for j in range(3) for a in range(3) for b in range(3)]
    x, j, a, b = torch.tensor(sets).T
    weights = table[x, j] * py[a] * py[b]
    f = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([f], max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-14)

    def loss():
        optimizer.zero_grad()
        rows = torch.stack(
            [
                nn.infonce_anchor(f[x[i], j[i]][None], f[x[i], torch.stack([a[i], b[i]])][:, None])
                for i in range(len(sets))
            ]
        )
        total = -(weights * rows).sum()
        total.backward()
        return total

    optimizer.step(loss)
    torch.testing.assert_close(f.detach(), truth, rtol=0, atol=1e-5)


@pytest.mark.parametrize("product", [torch.zeros(3, 6), torch.zeros(5)])
def test_infonce_anchor_needs_the_joint_score_of_each_product(product, scores):
    with pytest.raises(ValueError, match="product must have as many columns as there are joint"):
        nn.infonce_anchor(scores.diagonal(), product)


@pytest.mark.parametrize(
    "function, name, options",
    [
        (nn.dv, "dv", {}),
        (nn.nwj, "tuba", {"a": 1.0}),
        (nn.tuba, "tuba", {"a": 0.0}),
        (nn.infonce, "infonce", {}),
        (lambda s: nn.jensen(s) / 2, "logistic", {"alpha": 0.5}),
        (lambda s: nn.logistic(s, alpha=0.3), "logistic", {"alpha": 0.3}),
    ],
)
def test_gradients_are_the_documented_ones(function, name, options, scores):
    scores.requires_grad_()
    function(scores).backward()
    expected = reference.gradient(name, scores.detach().numpy(), **options)
    np.testing.assert_allclose(scores.grad.numpy(), expected, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", [*PLAIN, "infonce", "infonce_anchor"])
def test_gradcheck(name, scores):
    function = PLAIN[name][0] if name in PLAIN else getattr(nn, name)
    scores.requires_grad_()
    assert torch.autograd.gradcheck(function, (scores,))


def test_one_baseline_per_column(scores):
    a = torch.linspace(-1, 1, 7, dtype=torch.float64)
    value = nn.tuba(scores, log_baseline=a)
    assert float(value) == pytest.approx(float(nn.tuba(scores - a)), rel=1e-12)


def test_moving_average_and_its_gradient():
    rng = np.random.default_rng(1)
    objective = nn.MovingDV(rate=0.1)
    mean = None
    for _ in range(5):
        scores = torch.from_numpy(rng.normal(size=(6, 6))).requires_grad_()
        joint, product = reference.parts(scores.detach().numpy())
        batch = float(np.mean(np.exp(product)))
        mean = batch if mean is None else 0.9 * mean + 0.1 * batch
        surrogate, value = objective(scores)
        surrogate.backward()
        assert float(objective.log_mean) == pytest.approx(math.log(mean), rel=1e-12)
        assert float(value) == pytest.approx(reference.dv(joint, product), rel=1e-12)
        expected = reference.gradient("moving", scores.detach().numpy(), log_mean=math.log(mean))
        np.testing.assert_allclose(scores.grad.numpy(), expected, rtol=1e-10)


def test_rate_one_is_the_gradient_of_dv(scores):
    objective = nn.MovingDV(rate=1.0)
    objective(scores * 3)
    scores.requires_grad_()
    objective(scores)[0].backward()
    expected = reference.gradient("dv", scores.detach().numpy())
    np.testing.assert_allclose(scores.grad.numpy(), expected, rtol=1e-10)


def test_moving_average_goes_through_its_state(scores):
    one, other = nn.MovingDV(), nn.MovingDV()
    one(scores)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(2 * scores)[0], other(2 * scores)[0])


def test_nothing_overflows():
    scores = torch.full((4, 4), -1000.0)
    scores.fill_diagonal_(1000.0)
    assert float(nn.dv(scores)) == pytest.approx(2000.0)
    assert float(nn.infonce(scores)) == pytest.approx(math.log(4))
    assert float(nn.jensen(scores)) == pytest.approx(0.0)
    objective = nn.MovingDV()
    objective(scores)
    assert torch.isfinite(objective(-scores)[0])


def log_ratio(x, y, rho):
    """log p(x, y) / p(x) p(y) of the bivariate Gaussian."""
    s = 1 - rho**2
    return -0.5 * math.log(s) - (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * s)


@pytest.fixture(scope="module")
def exact():
    """Scores of many joint and independent product pairs under the exact critic, rho = 0.8."""
    rho, n = 0.8, 1_000_000
    generator = torch.Generator().manual_seed(0)
    x, e, other = torch.randn(3, n, generator=generator, dtype=torch.float64)
    y = rho * x + math.sqrt(1 - rho**2) * e
    return log_ratio(x, y, rho), log_ratio(x, other, rho)


INFORMATION = -0.5 * math.log(1 - 0.8**2)  # 0.5108


def test_exact_critic_gives_the_truth(exact):
    joint, product = exact
    assert float(nn.dv(joint, product)) == pytest.approx(INFORMATION, abs=0.01)
    assert float(nn.tuba(joint, product)) == pytest.approx(INFORMATION, abs=0.01)
    assert float(nn.nwj(joint + 1, product + 1)) == pytest.approx(INFORMATION, abs=0.01)
    logit = math.log(0.3 / 0.7)
    assert float(nn.demi(joint + logit, product, alpha=0.3)) == pytest.approx(INFORMATION, abs=0.01)
    assert float(nn.jensen(joint, product)) == pytest.approx(-1.118, abs=0.004)
    assert float(nn.smile(joint, product, tau=1.0)) == pytest.approx(0.484, abs=0.005)
    assert float(nn.smile(joint, product, tau=5.0)) == pytest.approx(0.513, abs=0.005)


def test_variance_of_nwj_is_that_of_theory():
    # chi2(p || q) = rho^2 / (1 - rho^2) over the number of independent product pairs.
    rho, repeats, pairs = 0.5, 4000, 100
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, repeats, pairs, generator=generator, dtype=torch.float64)
    joint = torch.zeros(1)
    values = torch.stack([nn.tuba(joint, product) for product in log_ratio(x, y, rho)])
    chi2 = rho**2 / (1 - rho**2)
    assert float(values.var()) == pytest.approx(chi2 / pairs, rel=0.1)


def test_infonce_never_exceeds_log_batch(scores):
    for scale in (1, 10, 1000):
        assert float(nn.infonce(scores * scale)) <= math.log(7)


@pytest.mark.parametrize("shape", [(3, 4), (5,), (1, 1), (2, 2, 2)])
@pytest.mark.parametrize(
    "function", [nn.dv, nn.nwj, nn.infonce, nn.jensen, nn.smile, nn.MovingDV()]
)
def test_a_matrix_must_be_square(function, shape):
    with pytest.raises(ValueError, match="square matrix of at least two rows; got shape"):
        function(torch.zeros(shape))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda s: nn.smile(s, tau=0.0), "tau must be > 0"),
        (lambda s: nn.clipped_dv(s, limit=-1.0), "limit must be > 0"),
        (lambda s: nn.demi(s, alpha=1.0), r"alpha must be in \(0, 1\)"),
        (lambda s: nn.logistic(s, alpha=0.0), r"alpha must be in \(0, 1\)"),
        (lambda _: nn.MovingDV(rate=0.0), r"rate must be in \(0, 1\]"),
    ],
)
def test_options_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.zeros(3, 3))


@pytest.mark.parametrize("call", [lambda s: nn.smile(s, tau="5"), lambda s: nn.demi(s, alpha=None)])
def test_options_of_wrong_type(call):
    with pytest.raises(TypeError, match="must be a real number"):
        call(torch.zeros(3, 3))


def test_feasible_limit():
    # k = 2.02 / 0.05 rounded up = 41
    assert feasible_limit(1000) == pytest.approx(math.log(2 * 41 * 1000**2))
    assert feasible_limit(1000, 0.1) == pytest.approx(math.log(2 * 3 * 1000**2))
    assert feasible_limit(10_000) > feasible_limit(1000)
    assert feasible_limit(1000, 0.99) > feasible_limit(1000, 0.9)
    for n, confidence in ((49, 0.9), (100, 0.0), (100, 1.0), (100, math.nan)):
        with pytest.raises(ValueError, match="must be"):
            feasible_limit(n, confidence)
    for n, confidence in ((1e3, 0.9), (True, 0.9), (100, "a")):
        with pytest.raises(TypeError, match="must be"):
            feasible_limit(n, confidence)


@pytest.mark.parametrize("bad", [np.ones((3, 3)), [[1.0]], torch.ones(3, 3) + 0j], ids=repr)
def test_scores_must_be_tensors_of_real_numbers(bad):
    for function in (*(function for function, _ in PLAIN.values()), nn.infonce):
        with pytest.raises(TypeError, match="scores must be a tensor of real numbers"):
            function(bad)
    with pytest.raises(TypeError, match="product must be a tensor of real numbers"):
        nn.dv(torch.ones(3), bad)


def test_parts_must_not_be_empty(scores):
    with pytest.raises(ValueError, match=r"product must hold .* got shape \(0,\)"):
        nn.dv(scores.diagonal(), scores[0, :0])
    with pytest.raises(ValueError, match="scores must hold"):
        nn.nwj(scores[0, :0], scores)


@pytest.mark.parametrize("rate", ["0.1", None, True])
def test_rate_of_wrong_type(rate):
    with pytest.raises(TypeError, match="rate must be a real number"):
        nn.MovingDV(rate)


def test_numpy_numbers_are_numbers(scores):
    assert nn.smile(scores, tau=np.float32(2.0)) == nn.smile(scores, tau=2.0)
    assert nn.demi(scores, alpha=np.float32(0.25)) == nn.demi(scores, alpha=0.25)
    assert nn.MovingDV(np.float32(0.5)).rate == 0.5
