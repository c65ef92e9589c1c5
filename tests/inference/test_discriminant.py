"""Discriminants against plain formulas, on made-up classes."""

import numpy as np
import pytest

from ahernet_tf.inference import discriminant
from ahernet_tf.inference.discriminant import DiscriminantFit, Moments


def classes_of(count, numbers=4, classes=3, seed=0, spread=1.0):
    """Examples around one centre per class, correlated, far from zero."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(classes, numbers)) * 2
    mixing = random.normal(size=(numbers, numbers)) * spread
    labels = random.integers(classes, size=count)
    noise = random.normal(size=(count, numbers)) @ mixing
    return (centres[labels] + noise + 1000).astype(np.float32), labels


def fitted(examples, labels, classes=3):
    fit = DiscriminantFit(examples.shape[1], classes)
    for number, (example, label) in enumerate(zip(examples, labels)):
        fit.add(example[np.newaxis], np.array([label]), number)
    return fit.solve()


def test_solution_is_the_textbooks():
    examples, labels = classes_of(400)
    examples = examples.astype(np.float64)
    moments = Moments(4, 3)
    for part in np.array_split(np.arange(400), 7):
        moments.add(examples[part] - 1000, labels[part])
    (found,) = moments.solve([0.0])
    means = np.stack([examples[labels == c].mean(axis=0) for c in range(3)]) - 1000
    rest = examples - 1000 - means[labels]
    inverse = np.linalg.inv(rest.T @ rest / (400 - 3))
    new = np.random.default_rng(1).normal(size=(5, 4)) * 3
    expected = (
        new @ inverse @ means.T - np.einsum("ci,ij,cj->c", means, inverse, means) / 2
    )
    expected = np.exp(expected - expected.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities(new), expected, atol=1e-9)


def test_whole_shrinkage_ignores_correlations():
    examples, labels = classes_of(300)
    moments = Moments(4, 3)
    moments.add(examples.astype(np.float64) - 1000, labels)
    (found,) = moments.solve([1.0])
    means = moments.sums / moments.counts[:, np.newaxis]
    expected = (means - found.mean) / found.scale
    np.testing.assert_allclose(found.kernel, expected.T, atol=1e-9)


def test_parts_of_an_example_are_read_one_by_one():
    sequence = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    found = fitted(*classes_of(90, numbers=4))
    parts = found.by_part(sequence)
    assert parts.shape == (2, 6, 3)
    examples = np.hstack([sequence[:-1], sequence[1:]])
    expected = parts[0, :-1] + parts[1, 1:] + found.bias
    np.testing.assert_allclose(found.logits(examples), expected, rtol=1e-4)


def test_new_examples_are_classified():
    examples, labels = classes_of(600, spread=0.5)
    found = fitted(examples[:400], labels[:400])
    probabilities = found.probabilities(examples[400:])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == labels[400:]).mean() > 0.8


def test_probabilities_are_as_sure_as_held_out_examples_allow():
    """Few examples of many numbers: the plain solution is far too sure."""
    examples, labels = classes_of(2060, numbers=30, spread=0.6)
    found = fitted(examples[:60], labels[:60])
    probabilities = found.probabilities(examples[60:])
    right = probabilities.argmax(axis=1) == labels[60:]
    assert probabilities.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.1)


def test_constant_numbers_and_absent_classes_do_no_harm():
    examples, labels = classes_of(200)
    examples[:, 1] = 7.0
    found = fitted(examples, labels, classes=5)
    probabilities = found.probabilities(examples)
    assert np.isfinite(probabilities).all()
    assert (probabilities[:, 3:] == 0).all()
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.5


def test_blocks_and_what_is_kept_change_nothing_else(monkeypatch):
    examples, labels = classes_of(300)
    once = fitted(examples, labels)
    monkeypatch.setattr(discriminant, "_BLOCK", 10)
    often = fitted(examples, labels)
    for name in ("mean", "scale", "kernel", "bias"):
        np.testing.assert_allclose(getattr(often, name), getattr(once, name), rtol=1e-3)
    monkeypatch.setattr(discriminant, "_KEPT_NUMBERS", 4 * 3 * 20)
    fit = DiscriminantFit(4, 3)
    for number, (example, label) in enumerate(zip(examples, labels)):
        fit.add(example[np.newaxis], np.array([label]), number)
    fit.solve()
    kept = sum(len(labels) for fold in fit._kept for _, labels in fold)
    assert 60 <= kept < 100


def test_single_examples_suffice_and_none_is_refused():
    found = fitted(np.eye(3, dtype=np.float32), np.arange(3))
    assert np.isfinite(found.probabilities(np.eye(3))).all()
    with pytest.raises(ValueError, match="no example"):
        DiscriminantFit(3, 2).solve()


def test_a_further_class_is_as_if_it_had_been_there():
    """Many examples: what a class is worth does not depend on when it came."""
    examples, labels = classes_of(3000, classes=4, spread=0.5)
    whole = fitted(examples, labels, classes=4)
    first = fitted(examples[labels < 3], labels[labels < 3])
    last = examples[labels == 3]
    more = first.with_classes(last.mean(axis=0)[np.newaxis], np.array([len(last)]))
    np.testing.assert_array_equal(more.kernel[:, :3], first.kernel)
    np.testing.assert_array_equal(more.bias[:3], first.bias)
    agree = more.probabilities(examples).argmax(1) == whole.probabilities(
        examples
    ).argmax(1)
    assert agree.mean() > 0.97
    kept = more.of_classes([3, 0])
    np.testing.assert_array_equal(kept.kernel, more.kernel[:, [3, 0]])
    np.testing.assert_array_equal(kept.bias, more.bias[[3, 0]])


def test_one_example_of_many_numbers_neither_drowns_nor_floods():
    """The mean of one example lies far off; no class may pay for that."""
    examples, labels = classes_of(3000, numbers=40, classes=6, spread=0.35)
    known, rest = labels < 4, labels >= 4
    look = fitted(examples[known], labels[known], classes=4)
    rows = [np.flatnonzero(labels == c)[0] for c in (4, 5)]
    more = look.with_classes(examples[rows], np.array([1, 1]))
    right = more.probabilities(examples).argmax(axis=1) == labels
    before = look.probabilities(examples[known]).argmax(axis=1) == labels[known]
    assert right[known].mean() > before.mean() - 0.1
    assert right[rest].mean() > 0.5


def test_constant_numbers_say_nothing_of_further_classes():
    examples, labels = classes_of(200)
    examples[:, 1] = 7.0
    more = fitted(examples, labels).with_classes(np.full((1, 4), 99.0), np.array([3]))
    assert np.isfinite(more.probabilities(examples)).all()
    assert (more.kernel[1] == 0).all()


def test_shrinkage_and_temperature_make_held_out_labels_likeliest():
    """Against a plain loop over both, and over who is held out."""
    examples, labels = classes_of(60, numbers=30, spread=0.6)
    found = fitted(examples, labels)
    values, fold = examples.astype(np.float64) - 1000, np.arange(60) % 3
    likelihood = {}
    for shrinkage in (0.1, 0.3, 0.6, 0.9):
        for temperature in 2.0 ** np.arange(-1, 6.5, 0.5):
            total = 0.0
            for out in range(3):
                moments = Moments(30, 3)
                moments.add(values[fold != out], labels[fold != out])
                (part,) = moments.solve([shrinkage])
                odds = np.exp(part.logits(values[fold == out]) / temperature)
                own = odds[range(20), labels[fold == out]] / odds.sum(axis=1)
                total += np.log(own).sum()
            likelihood[shrinkage, temperature] = total
    shrinkage, temperature = max(likelihood, key=likelihood.get)
    assert found.covariance[0, 0] == pytest.approx(temperature)
    moments = Moments(30, 3)
    moments.add(values, labels)
    (whole,) = moments.solve([shrinkage])
    np.testing.assert_allclose(found.kernel * temperature, whole.kernel, atol=1e-3)


def test_spread_is_the_mean_squared_distance_within_classes():
    examples, labels = classes_of(200)
    examples[:, 1] = 7.0
    found = fitted(examples, labels)
    varies = np.isfinite(found.scale)
    values = examples.astype(np.float64)[:, varies]
    means = np.stack([values[labels == c].mean(axis=0) for c in range(3)])
    rest = (values - means[labels]) / found.scale[varies]
    inverse = np.linalg.inv(found.covariance[varies][:, varies].astype(np.float64))
    squares = np.einsum("ni,ij,nj->n", rest, inverse, rest)
    assert found.spread == pytest.approx(squares.sum() / (200 - 3), rel=1e-3)


def test_a_class_without_an_example_changes_no_other():
    examples, labels = classes_of(60)
    found, more = fitted(examples, labels), fitted(examples, labels, classes=4)
    np.testing.assert_allclose(more.kernel[:, :3], found.kernel, rtol=1e-5)
    np.testing.assert_allclose(more.bias[:3], found.bias, rtol=1e-5)
