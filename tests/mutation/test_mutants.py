"""Mutants: one error each, and nothing else changed."""

import ast

import pytest

from tests.mutation.mutants import mutants

SOURCE = '''
"""Text of a module."""
import numpy as np

def f(v: list[int], most=1.0):
    """Says what."""
    if len(v) < 3 and most:
        raise ValueError("Expected more.")
    n = -np.max(v[1:], axis=0)
    n += 2
    return n
'''
EXPECTED = """
def f(v: list[int], most=1.0):  ->  def f(v: list[int], most=0.9):
if len(v) < 3 and most:  ->  if not (len(v) < 3 and most):
if len(v) < 3 and most:  ->  if len(v) < 3 or most:
if len(v) < 3 and most:  ->  if len(v) <= 3 and most:
if len(v) < 3 and most:  ->  if len(v) < 4 and most:
raise ValueError('Expected more.')  ->  pass
n = -np.max(v[1:], axis=0)  ->  n = +np.max(v[1:], axis=0)
n = -np.max(v[1:], axis=0)  ->  n = -np.min(v[1:], axis=0)
n = -np.max(v[1:], axis=0)  ->  n = -np.max(v[2:], axis=0)
n = -np.max(v[1:], axis=0)  ->  n = -np.max(v[:], axis=0)
n = -np.max(v[1:], axis=0)  ->  n = -np.max(v[1:])
n = -np.max(v[1:], axis=0)  ->  n = -np.max(v[1:], axis=1)
n += 2  ->  pass
n += 2  ->  n -= 2
n += 2  ->  n += 3
"""


def test_every_kind_of_error_is_made():
    changes = [mutant.change for mutant in mutants(SOURCE)]
    assert sorted(changes) == sorted(EXPECTED.strip().splitlines())


def test_each_has_one_error():
    right = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutant in mutants(SOURCE):
        wrong = mutant.source.splitlines()
        assert sum(a != b for a, b in zip(right, wrong, strict=True)) == 1


@pytest.mark.parametrize(
    "source",
    ["import a.b", '"""Says something."""', "warnings.warn('a b', stacklevel=2)"],
)
def test_what_decides_nothing_has_none(source):
    assert len(mutants(source)) <= 1  # it may be left out
