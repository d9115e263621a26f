"""Objectives of the critic estimators and their gradients, entry by entry, in plain loops."""

import math

import numpy as np


def parts(scores):
    """Scores of joint pairs, on the diagonal of a square matrix, and of product pairs, off it."""
    size = len(scores)
    joint = [scores[i, i] for i in range(size)]
    product = [scores[i, j] for i in range(size) for j in range(size) if i != j]
    return np.array(joint), np.array(product)


def log_mean_exp(values):
    top = max(values)
    return top + math.log(sum(math.exp(v - top) for v in values) / len(values))


def log1p_exp(v):
    return max(v, 0.0) + math.log1p(math.exp(-abs(v)))


def dv(joint, product):
    return float(np.mean(joint)) - log_mean_exp(product)


def tuba(joint, product, a):
    return 1 + float(np.mean(joint)) - a - float(np.mean(np.exp(np.asarray(product) - a)))


def infonce(scores):
    return float(np.mean([scores[i, i] - log_mean_exp(scores[i]) for i in range(len(scores))]))


def infonce_anchor(scores, anchor):
    """Mean log posterior of a row's true class among K = B - 1 candidates and "none of them".

    The partner's row lacks its first product pair, so that it has K candidates as well.
    """
    size = len(scores)
    candidates = size - 1
    terms = []
    for i in range(size):
        ratios = [math.exp(scores[i, j]) for j in range(size) if j != i]
        own = math.exp(scores[i, i])
        prior = (1 - anchor) / candidates
        partner = prior * own / (anchor + prior * (own + sum(ratios[1:])))
        none = anchor / (anchor + prior * sum(ratios))
        terms.append((1 - anchor) * math.log(partner) + anchor * math.log(none))
    return float(np.mean(terms))


def jensen(joint, product):
    positive = np.mean([log1p_exp(-v) for v in joint])
    return -float(positive) - float(np.mean([log1p_exp(v) for v in product]))


def logistic(joint, product, alpha):
    positive = np.mean([log1p_exp(-v) for v in joint])
    return -alpha * float(positive) - (1 - alpha) * float(np.mean([log1p_exp(v) for v in product]))


def smile(joint, product, tau):
    return float(np.mean(joint)) - log_mean_exp(np.clip(product, -tau, tau))


def clipped_dv(joint, product, limit):
    return float(np.mean(np.clip(joint, -limit, limit))) - log_mean_exp(
        np.clip(product, -limit, limit)
    )


def demi(joint, product, alpha):
    return float(np.mean(joint)) - math.log(alpha / (1 - alpha))


def sigmoid(v):
    return 1 / (1 + math.exp(-v))


def gradient(name, scores, **options):
    """Derivatives of an objective in each entry of a score matrix, in closed form."""
    size = len(scores)
    pairs = size * (size - 1)
    _, product = parts(scores)
    result = np.empty((size, size))
    total = sum(math.exp(v) for v in product)
    for i in range(size):
        row = sum(math.exp(v) for v in scores[i])
        for j in range(size):
            v = scores[i, j]
            same = i == j
            if name == "dv":
                result[i, j] = 1 / size if same else -math.exp(v) / total
            elif name == "moving":
                result[i, j] = 1 / size if same else -math.exp(v - options["log_mean"]) / pairs
            elif name == "tuba":
                result[i, j] = 1 / size if same else -math.exp(v - options["a"]) / pairs
            elif name == "infonce":
                result[i, j] = (float(same) - math.exp(v) / row) / size
            elif name == "logistic":
                alpha = options["alpha"]
                result[i, j] = (
                    alpha * sigmoid(-v) / size if same else -(1 - alpha) * sigmoid(v) / pairs
                )
    return result
