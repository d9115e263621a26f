"""Normalizing flows: one test per property, over all of them."""

import pytest

pytest.importorskip("torch")
import torch

from fastmi.nn.bases import DiagonalBase, GaussianBase
from fastmi.nn.bnaf import BNAF, BNAFStep
from fastmi.nn.flows import Composition, InvertibleLinear, Reversal, Standardized
from fastmi.nn.realnvp import AffineCoupling, RealNVP

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def elsewhere(d):
    flow = InvertibleLinear(d)
    flow.start_at(torch.randn(d, d) - 2 * torch.eye(d), torch.arange(float(d)))
    return flow


UNCONDITIONED = ("linear", "linear-elsewhere")
FLOWS = {
    "bnaf": lambda d, y: BNAF(d, y_dims=y, width=4),
    "bnaf-tanh-gated": lambda d, y: BNAF(d, y_dims=y, width=4, activation="tanh", residual="gated"),
    "bnaf-tanh-plain": lambda d, y: BNAF(d, y_dims=y, width=4, activation="tanh", residual="plain"),
    "bnaf-weight-norm": lambda d, y: BNAF(d, y_dims=y, width=4, weight_norm=True),
    "bnaf-two-steps": lambda d, y: BNAF(d, y_dims=y, width=4, steps=2, residual="gated"),
    "realnvp": lambda d, y: RealNVP(d, y_dims=y, hidden=16),
    "linear": lambda d, _: InvertibleLinear(d),
    "linear-elsewhere": lambda d, _: elsewhere(d),
    "linear-bnaf": lambda d, y: Composition(
        InvertibleLinear(d), Reversal(d), BNAF(d, y_dims=y, width=4)
    ),
}


@pytest.fixture(autouse=True)
def seeded_float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def perturbed(name, d=3, y_dims=2):
    flow = FLOWS[name](d, 0 if name in UNCONDITIONED else y_dims)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return flow


def data(flow, n=6, c=4):
    return torch.randn(n, flow.dims), torch.randn(c, flow.y_dims) if flow.y_dims else None


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_log_det_is_that_of_the_jacobian(name, d):
    flow = perturbed(name, d)
    x, y = data(flow)
    jacobian = torch.autograd.functional.jacobian(lambda rows: flow(rows, y)[0], x)
    expected = [torch.linalg.slogdet(jacobian[i, :, i]).logabsdet for i in range(len(x))]
    torch.testing.assert_close(flow(x, y)[1], torch.stack(expected))


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("d", [1, 5])
def test_inverse(name, d):
    flow = perturbed(name, d)
    x, y = data(flow)
    z, _ = flow(x, y)
    torch.testing.assert_close(flow.inverse(z, y), x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in FLOWS if name not in UNCONDITIONED])
def test_first_rows_are_conditioned_and_the_others_are_not(name):
    flow = perturbed(name)
    x, y = data(flow, n=4, c=4)
    both, log_det = flow(torch.cat([x, x]), y)
    for rows, given in ((slice(4), y), (slice(4, 8), None)):
        z, alone = flow(x, given)
        torch.testing.assert_close(both[rows], z)
        torch.testing.assert_close(log_det[rows], alone)
    assert (both[:4] - both[4:]).abs().max() > 1e-3


@pytest.mark.parametrize("name", FLOWS)
def test_state_survives_saving(name, tmp_path):
    flow, other = perturbed(name), perturbed(name)
    x, y = data(flow)
    torch.save(flow.state_dict(), tmp_path / "flow.pt")
    other.load_state_dict(torch.load(tmp_path / "flow.pt", weights_only=True))
    torch.testing.assert_close(other(x, y), flow(x, y), rtol=0, atol=0)


@pytest.mark.parametrize("name", FLOWS)
def test_gradients_reach_every_parameter(name):
    flow = perturbed(name)
    x, y = data(flow)
    loss = -flow.log_density(x, y).mean()
    loss.backward()
    for parameter_name, parameter in flow.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name
    generator = torch.Generator().manual_seed(1)
    for parameter in flow.parameters():
        # Central difference along one random direction.
        direction = torch.randn(parameter.shape, generator=generator)
        step = 1e-5
        with torch.no_grad():
            parameter.add_(direction, alpha=step)
            above = -flow.log_density(x, y).mean()
            parameter.sub_(direction, alpha=2 * step)
            below = -flow.log_density(x, y).mean()
            parameter.add_(direction, alpha=step)
        slope = (above - below) / (2 * step)
        torch.testing.assert_close((parameter.grad * direction).sum(), slope, rtol=1e-4, atol=1e-7)


def mass(flow):
    """Integral of the density over the line, on a grid that reaches its slow tails."""
    t = torch.linspace(-30, 30, 20_001)[:, None]
    with torch.no_grad():
        log_density = flow.log_density(torch.sinh(t)) + torch.log(torch.cosh(t))[:, 0]
    return torch.trapezoid(log_density.exp(), t[:, 0]).item()


@pytest.mark.parametrize("name", FLOWS)
def test_density_integrates_to_one_before_and_after_training(name):
    flow = FLOWS[name](1, 0)
    assert mass(flow) == pytest.approx(1, abs=1e-3)
    x = torch.randn(500, 1).exp()
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)
    before = -flow.log_density(x).mean().item()
    for _ in range(60):
        loss = -flow.log_density(x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert -flow.log_density(x).mean().item() < before
    assert mass(flow) == pytest.approx(1, abs=1e-3)


def test_bounded_flow_loses_mass_and_says_so_when_inverted():
    flow = BNAF(1, activation="tanh")
    assert mass(flow) < 0.99
    with pytest.raises(ValueError, match=r"z must be in the range of the flow; column 0 .* 1 rows"):
        flow.inverse(torch.tensor([[50.0]]))


def test_output_depends_on_earlier_columns_alone_and_increases_in_its_own():
    flow = perturbed("bnaf", 4)
    x, y = data(flow)
    jacobian = torch.autograd.functional.jacobian(lambda rows: flow(rows, y)[0], x)
    for i in range(len(x)):
        own = jacobian[i, :, i]
        assert (own.triu(1) == 0).all()
        assert (own.diagonal() > 0).all()


def test_weight_norm_gives_rows_of_the_learnt_length():
    flow = BNAFStep(3, y_dims=2, width=4, weight_norm=True)
    for conditioned in (False, True):
        weight, cross = flow._normalized(flow.layout.split(flow.vector), 1, conditioned)
        square = torch.where(flow._diagonal1, weight.exp(), weight).square()
        length = torch.zeros(12).index_add(0, flow._row1, square)
        if cross is not None:
            length = length + cross.square().sum(1)
        torch.testing.assert_close(length.sqrt(), flow.log_rows[1].exp())


def test_real_nvp_and_linear_start_as_the_identity():
    x, y = torch.randn(5, 3), torch.randn(5, 2)
    for flow, given in ((RealNVP(3, y_dims=2), y), (InvertibleLinear(3), None)):
        z, log_det = flow(x, given)
        torch.testing.assert_close(z, x)
        torch.testing.assert_close(log_det, torch.zeros(5))


def test_linear_starts_where_it_is_told():
    flow = perturbed("linear")
    x, matrix, bias = torch.randn(5, 3), torch.randn(3, 3), torch.randn(3)
    flow.start_at(matrix, bias)
    z, log_det = flow(x)
    torch.testing.assert_close(z, x @ matrix.T + bias)
    torch.testing.assert_close(log_det, torch.linalg.slogdet(matrix).logabsdet.expand(5))
    with pytest.raises(ValueError, match="matrix must be invertible and finite"):
        flow.start_at(torch.zeros(3, 3), bias)
    with pytest.raises(ValueError, match=r"matrix must have shape \(3, 3\); got \(2, 2\)"):
        flow.start_at(torch.eye(2), bias)
    with pytest.raises(ValueError, match=r"bias must have shape \(3,\); got \(1,\)"):
        flow.start_at(matrix, bias[:1])


def test_coupling_keeps_one_half():
    x = torch.randn(5, 5)
    for keep_first, kept in ((True, slice(0, 2)), (False, slice(2, 5))):
        coupling = AffineCoupling(5, keep_first=keep_first, hidden=8)
        torch.nn.init.normal_(coupling.scale[-1].weight)
        torch.nn.init.normal_(coupling.shift[-1].weight)
        z, _ = coupling(x)
        assert (z[:, kept] == x[:, kept]).all()
        assert ((z != x).sum(1) == 5 - (kept.stop - kept.start)).all()


def test_float32():
    for name in FLOWS:
        flow = perturbed(name).float()
        x, y = data(flow)
        z, log_det = flow(x.float(), None if y is None else y.float())
        assert z.dtype == log_det.dtype == torch.float32
        given = None if y is None else y.float().double()
        exact, exact_log_det = flow.double()(x.float().double(), given)
        torch.testing.assert_close(z.double(), exact, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(log_det.double(), exact_log_det, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: BNAF(0), "dims must be an integer >= 1; got dims=0"),
        (lambda: BNAF(2, width=0), "width must be an integer >= 1"),
        (lambda: BNAF(2, steps=0), "steps must be an integer >= 1"),
        (lambda: BNAF(2, activation="relu"), "activation must be one of .* got activation='relu'"),
        (lambda: BNAF(2, residual="both"), "residual must be one of"),
        (lambda: BNAFStep(2, y_dims=1, y_width=0), "y_width must be an integer >= 1; got"),
        (lambda: InvertibleLinear(0), "dims must be an integer >= 1; got dims=0"),
        (lambda: Reversal(-1), "dims must be an integer >= 1"),
        (lambda: RealNVP(0), "dims must be an integer >= 1"),
        (lambda: RealNVP(2, couplings=0), "couplings must be an integer >= 1"),
        (lambda: RealNVP(2, hidden=0), "hidden must be an integer >= 1"),
        (lambda: AffineCoupling(2, keep_first=True, limit=0.0), "limit must be in"),
        (lambda: DiagonalBase(0, 2), "dx must be an integer >= 1"),
        (lambda: GaussianBase(1, 0), "dy must be an integer >= 1"),
        (Composition, "flows must be at least one"),
        (lambda: Composition(BNAF(2), BNAF(3)), r"equal dims; got \[2, 3\]"),
        (
            lambda: Composition(BNAF(2, y_dims=1), BNAF(2, y_dims=2)),
            r"agree on y_dims; got \[1, 2\]",
        ),
        (lambda: DiagonalBase(2, 2, parametrization="r"), "parametrization must be one of"),
        (lambda: Standardized(Reversal(2), torch.zeros(5)), r"x must have shape \(n, 2\)"),
        (lambda: Standardized(Reversal(2), torch.zeros(5, 3)), r"x must .* got \(5, 3\)"),
        (lambda: Standardized(Reversal(2), torch.zeros(0, 2)), "n >= 1"),
        (lambda: Standardized(Reversal(1), torch.full((2, 1), torch.nan)), "x must be finite"),
        (
            lambda: Standardized(Reversal(2), torch.zeros(5, 2), torch.zeros(5, 1)),
            "y must be given if and only if the flow takes one; got y_dims=0 and y",
        ),
        (lambda: Standardized(BNAF(2, y_dims=1), torch.zeros(5, 2)), "y_dims=1 and no y"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: BNAF(2.5), "dims must be an integer"),
        (lambda: BNAF(True), "dims must be an integer"),
        (lambda: BNAF(2, width="4"), "width must be an integer"),
        (lambda: BNAF(2, weight_norm="no"), "weight_norm must be True or False"),
        (lambda: BNAFStep(2, y_dims=1, y_width=0.5), "y_width must be an integer"),
        (lambda: InvertibleLinear(2.0), "dims must be an integer"),
        (lambda: RealNVP(2, couplings=1.5), "couplings must be an integer"),
        (lambda: GaussianBase(1.5, 2), "dx must be an integer"),
        (lambda: Composition(3), "flows must be of type Flow; got int"),
        (lambda: Standardized(Reversal(1), [[1.0]]), "x must be a float tensor; got list"),
        (lambda: Standardized(Reversal(1), torch.zeros(3, 1).int()), "got torch.int32"),
        (lambda: BNAF(2)([[1.0, 2.0]]), "x must be a torch tensor; got list"),
        (lambda: BNAF(2, y_dims=1)(torch.zeros(1, 2), [[1.0]]), "y must be a torch tensor"),
    ],
)
def test_wrong_types(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_bad_rows():
    flow = BNAF(2, y_dims=3)
    x = torch.randn(4, 2)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 2\); got \(4, 3\)"):
        flow(torch.randn(4, 3))
    with pytest.raises(
        ValueError, match=r"y must have shape \(c, 3\), c at most n=4; got \(5, 3\)"
    ):
        flow(x, torch.randn(5, 3))
    with pytest.raises(ValueError, match="made with y_dims=0"):
        BNAF(2)(x, x)
