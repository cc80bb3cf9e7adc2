"""Published formulas as plain loops, in k-diffusion's notation, for tests to hold the samplers against.

Written from the papers and from k-diffusion's `sampling.py`, with tensors for sigmas where ours are floats. `noise`
gives unit noise for the interval between two sigmas, as k-diffusion's noise samplers do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import torch
from scipy import integrate
from torch import Tensor

Model = Callable[[Tensor, float], Tensor]
Noise = Callable[[Tensor, Tensor], Tensor]
INF = float("inf")


def ask(model: Model, x: Tensor, sigma: Tensor) -> Tensor:
    return model(x, float(sigma))


def to_d(x: Tensor, sigma: Tensor, denoised: Tensor) -> Tensor:
    return (x - denoised) / sigma


def get_ancestral_step(sigma_from: Tensor, sigma_to: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    if eta == 0:
        return sigma_to, torch.zeros_like(sigma_to)
    variance = sigma_to**2 * (sigma_from**2 - sigma_to**2) / sigma_from**2
    sigma_up = torch.minimum(sigma_to, eta * variance**0.5)
    return (sigma_to**2 - sigma_up**2) ** 0.5, sigma_up


def churned(
    x: Tensor, i: int, sigmas: Tensor, noise: Noise, s_churn: float, s_tmin: float, s_tmax: float, s_noise: float
) -> tuple[Tensor, Tensor]:
    gamma = min(s_churn / (len(sigmas) - 1), 2**0.5 - 1) if s_tmin <= sigmas[i] <= s_tmax else 0.0
    sigma_hat = sigmas[i] * (gamma + 1)
    if gamma > 0:
        x = x + noise(sigmas[i], sigma_hat) * s_noise * (sigma_hat**2 - sigmas[i] ** 2) ** 0.5
    return x, sigma_hat


def euler(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = INF,
    s_noise: float = 1.0,
) -> Tensor:
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, i, sigmas, noise, s_churn, s_tmin, s_tmax, s_noise)
        d = to_d(x, sigma_hat, ask(model, x, sigma_hat))
        x = x + d * (sigmas[i + 1] - sigma_hat)
    return x


def heun(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = INF,
    s_noise: float = 1.0,
) -> Tensor:
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, i, sigmas, noise, s_churn, s_tmin, s_tmax, s_noise)
        d = to_d(x, sigma_hat, ask(model, x, sigma_hat))
        dt = sigmas[i + 1] - sigma_hat
        if sigmas[i + 1] == 0:
            x = x + d * dt
        else:
            x_2 = x + d * dt
            d_2 = to_d(x_2, sigmas[i + 1], ask(model, x_2, sigmas[i + 1]))
            x = x + (d + d_2) / 2 * dt
    return x


def dpm_2(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = INF,
    s_noise: float = 1.0,
) -> Tensor:
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, i, sigmas, noise, s_churn, s_tmin, s_tmax, s_noise)
        d = to_d(x, sigma_hat, ask(model, x, sigma_hat))
        if sigmas[i + 1] == 0:
            x = x + d * (sigmas[i + 1] - sigma_hat)
        else:
            sigma_mid = ((sigma_hat.log() + sigmas[i + 1].log()) / 2).exp()
            x_2 = x + d * (sigma_mid - sigma_hat)
            d_2 = to_d(x_2, sigma_mid, ask(model, x_2, sigma_mid))
            x = x + d_2 * (sigmas[i + 1] - sigma_hat)
    return x


def lms(model: Model, x: Tensor, sigmas: Tensor, noise: Noise, order: int = 4) -> Tensor:
    t = sigmas.numpy()
    ds: list[Tensor] = []
    for i in range(len(t) - 1):
        ds.append(to_d(x, sigmas[i], ask(model, x, sigmas[i])))
        now = min(i + 1, order)
        for j in range(now):

            def polynomial(tau: float, i: int = i, j: int = j, now: int = now) -> float:
                return float(np.prod([(tau - t[i - k]) / (t[i - j] - t[i - k]) for k in range(now) if k != j]))

            x = x + integrate.quad(polynomial, t[i], t[i + 1], epsrel=1e-12)[0] * ds[-1 - j]
    return x


def euler_ancestral(
    model: Model, x: Tensor, sigmas: Tensor, noise: Noise, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    for i in range(len(sigmas) - 1):
        denoised = ask(model, x, sigmas[i])
        sigma_down, sigma_up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta)
        x = x + to_d(x, sigmas[i], denoised) * (sigma_down - sigmas[i])
        if sigmas[i + 1] > 0 and eta > 0:
            x = x + noise(sigmas[i], sigmas[i + 1]) * s_noise * sigma_up
    return x


def dpm_2_ancestral(
    model: Model, x: Tensor, sigmas: Tensor, noise: Noise, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    for i in range(len(sigmas) - 1):
        d = to_d(x, sigmas[i], ask(model, x, sigmas[i]))
        sigma_down, sigma_up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta)
        if sigma_down == 0:
            x = x + d * (sigma_down - sigmas[i])
        else:
            sigma_mid = ((sigmas[i].log() + sigma_down.log()) / 2).exp()
            x_2 = x + d * (sigma_mid - sigmas[i])
            x = x + to_d(x_2, sigma_mid, ask(model, x_2, sigma_mid)) * (sigma_down - sigmas[i])
            if eta > 0:
                x = x + noise(sigmas[i], sigmas[i + 1]) * s_noise * sigma_up
    return x


def sigma_fn(t: Tensor) -> Tensor:
    return t.neg().exp()


def t_fn(sigma: Tensor) -> Tensor:
    return sigma.log().neg()


def dpmpp_2s_ancestral(
    model: Model, x: Tensor, sigmas: Tensor, noise: Noise, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    for i in range(len(sigmas) - 1):
        denoised = ask(model, x, sigmas[i])
        sigma_down, sigma_up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta)
        if sigma_down == 0:
            x = x + to_d(x, sigmas[i], denoised) * (sigma_down - sigmas[i])
        else:
            t, t_next = t_fn(sigmas[i]), t_fn(sigma_down)
            h = t_next - t
            s = t + h / 2
            x_2 = (sigma_fn(s) / sigma_fn(t)) * x - (-h / 2).expm1() * denoised
            denoised_2 = ask(model, x_2, sigma_fn(s))
            x = (sigma_fn(t_next) / sigma_fn(t)) * x - (-h).expm1() * denoised_2
        if sigmas[i + 1] > 0 and eta > 0:
            x = x + noise(sigmas[i], sigmas[i + 1]) * s_noise * sigma_up
    return x


def dpmpp_sde(model: Model, x: Tensor, sigmas: Tensor, noise: Noise, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
    r = 1 / 2
    for i in range(len(sigmas) - 1):
        denoised = ask(model, x, sigmas[i])
        if sigmas[i + 1] == 0:
            x = x + to_d(x, sigmas[i], denoised) * (sigmas[i + 1] - sigmas[i])
        else:
            t, t_next = t_fn(sigmas[i]), t_fn(sigmas[i + 1])
            s = t + (t_next - t) * r
            fac = 1 / (2 * r)
            sd, su = get_ancestral_step(sigma_fn(t), sigma_fn(s), eta)
            s_ = t_fn(sd)
            x_2 = (sigma_fn(s_) / sigma_fn(t)) * x - (t - s_).expm1() * denoised
            x_2 = x_2 + noise(sigma_fn(t), sigma_fn(s)) * s_noise * su
            denoised_2 = ask(model, x_2, sigma_fn(s))
            sd, su = get_ancestral_step(sigma_fn(t), sigma_fn(t_next), eta)
            t_next_ = t_fn(sd)
            denoised_d = (1 - fac) * denoised + fac * denoised_2
            x = (sigma_fn(t_next_) / sigma_fn(t)) * x - (t - t_next_).expm1() * denoised_d
            x = x + noise(sigma_fn(t), sigma_fn(t_next)) * s_noise * su
    return x


def dpmpp_2m(model: Model, x: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    old = None
    for i in range(len(sigmas) - 1):
        denoised = ask(model, x, sigmas[i])
        t, t_next = t_fn(sigmas[i]), t_fn(sigmas[i + 1])
        h = t_next - t
        if old is None or sigmas[i + 1] == 0:
            x = (sigma_fn(t_next) / sigma_fn(t)) * x - (-h).expm1() * denoised
        else:
            r = (t - t_fn(sigmas[i - 1])) / h
            d = (1 + 1 / (2 * r)) * denoised - (1 / (2 * r)) * old
            x = (sigma_fn(t_next) / sigma_fn(t)) * x - (-h).expm1() * d
        old = denoised
    return x


def dpmpp_2m_sde(
    model: Model, x: Tensor, sigmas: Tensor, noise: Noise, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    old = h_last = None
    for i in range(len(sigmas) - 1):
        denoised = ask(model, x, sigmas[i])
        h = None
        if sigmas[i + 1] == 0:
            x = denoised
        else:
            h = t_fn(sigmas[i + 1]) - t_fn(sigmas[i])
            eta_h = eta * h
            x = sigmas[i + 1] / sigmas[i] * (-eta_h).exp() * x + (-h - eta_h).expm1().neg() * denoised
            if old is not None and h_last is not None:
                r = h_last / h
                x = x + 0.5 * (-h - eta_h).expm1().neg() * (1 / r) * (denoised - old)
            if eta:
                scale = sigmas[i + 1] * (-2 * eta_h).expm1().neg().sqrt() * s_noise
                x = x + noise(sigmas[i], sigmas[i + 1]) * scale
        old, h_last = denoised, h
    return x


def dpmpp_3m_sde(
    model: Model, x: Tensor, sigmas: Tensor, noise: Noise, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    denoised_1 = denoised_2 = h_1 = h_2 = None
    for i in range(len(sigmas) - 1):
        denoised = ask(model, x, sigmas[i])
        if sigmas[i + 1] == 0:
            return denoised
        h = t_fn(sigmas[i + 1]) - t_fn(sigmas[i])
        h_eta = h * (eta + 1)
        x = torch.exp(-h_eta) * x + (-h_eta).expm1().neg() * denoised
        if denoised_2 is not None and denoised_1 is not None and h_2 is not None and h_1 is not None:
            r0, r1 = h_1 / h, h_2 / h
            d1_0, d1_1 = (denoised - denoised_1) / r0, (denoised_1 - denoised_2) / r1
            d1 = d1_0 + (d1_0 - d1_1) * r0 / (r0 + r1)
            d2 = (d1_0 - d1_1) / (r0 + r1)
            phi_2 = h_eta.neg().expm1() / h_eta + 1
            phi_3 = phi_2 / h_eta - 0.5
            x = x + phi_2 * d1 - phi_3 * d2
        elif denoised_1 is not None and h_1 is not None:
            phi_2 = h_eta.neg().expm1() / h_eta + 1
            x = x + phi_2 * (denoised - denoised_1) / (h_1 / h)
        if eta:
            x = x + noise(sigmas[i], sigmas[i + 1]) * sigmas[i + 1] * (-2 * h * eta).expm1().neg().sqrt() * s_noise
        denoised_1, denoised_2, h_1, h_2 = denoised, denoised_1, h, h_1
    return x


def ddim(model: Model, x: Tensor, sigmas: Tensor, noise: Noise, eta: float = 0.0) -> Tensor:
    """Song et al. 2021, eq. 12 and 16 as printed, with the noise prediction eps."""
    alpha = 1 / (1 + sigmas**2)
    z = alpha[0].sqrt() * x
    for i in range(len(sigmas) - 1):
        eps = (z / alpha[i].sqrt() - model(z / alpha[i].sqrt(), float(sigmas[i]))) / sigmas[i]
        s = eta * ((1 - alpha[i + 1]) / (1 - alpha[i])).sqrt() * (1 - alpha[i] / alpha[i + 1]).sqrt()
        predicted = (z - (1 - alpha[i]).sqrt() * eps) / alpha[i].sqrt()
        z = alpha[i + 1].sqrt() * predicted + (1 - alpha[i + 1] - s**2).sqrt() * eps
        if s > 0:
            z = z + s * noise(sigmas[i], sigmas[i + 1])
    return z


def restart(
    model: Model, x: Tensor, sigmas: Tensor, noise: Noise, rounds: int, steps: int, t_min: float, t_max: float
) -> Tensor:
    """Xu et al. 2023, algorithm 1, with one restart interval [t_min, t_max], rounded to the nearest of `sigmas`."""
    turn = int((sigmas[:-1] - t_min).abs().argmin())
    low = sigmas[turn]
    x = heun(model, x, sigmas[: turn + 1], noise)
    for _ in range(rounds):
        x = x + noise(low, torch.tensor(t_max)) * (t_max**2 - low**2) ** 0.5
        ramp = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        again = (t_max ** (1 / 7) + ramp * (low ** (1 / 7) - t_max ** (1 / 7))) ** 7
        x = heun(model, x, again, noise)
    return heun(model, x, sigmas[turn:], noise)


def brownian(sigmas: list[float], fresh: Iterator[Tensor]) -> Noise:
    """Noise of intervals from one Brownian path in sigma, as k-diffusion's tree makes it.

    fresh: its increments, between the ends of each step and the geometric mean of them.
    """
    nodes: list[float] = [sigmas[0]]
    for sigma, sigma_next in pairwise(sigmas):
        if sigma_next > 0:
            nodes.append((sigma * sigma_next) ** 0.5)
        nodes.append(sigma_next)
    path: list[Tensor] = []

    def at(sigma: Tensor) -> Tensor:
        place = int(np.argmin(np.abs(np.array(nodes) - float(sigma))))
        while len(path) <= place:
            step = (nodes[len(path) - 1] - nodes[len(path)]) ** 0.5 if path else 0.0
            path.append(path[-1] + step * next(fresh) if path else torch.zeros(()))
        return path[place]

    def noise(sigma: Tensor, sigma_next: Tensor) -> Tensor:
        return (at(sigma_next) - at(sigma)) / (sigma - sigma_next).abs().sqrt()

    return noise
