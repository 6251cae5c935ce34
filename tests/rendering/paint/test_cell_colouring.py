"""Volume ranks and colour steps."""

from __future__ import annotations

import numpy as np

from rendering.paint.cell_colouring import DELTA_STEPS, VOLUME_STEPS, VolumeRanks, delta_steps


def test_ranks_fill_all_steps_evenly_for_any_volumes():
    volume = (np.arange(1, 1601) ** 3).astype(np.int64)
    counts = np.bincount(VolumeRanks(volume).steps(volume), minlength=VOLUME_STEPS)
    assert counts.min() >= 99 and counts.max() <= 101


def test_one_huge_trade_moves_no_other_cell_by_two_steps():
    volume = np.arange(1, 1000)
    ranks, with_giant = VolumeRanks(volume), VolumeRanks(np.append(volume, 10**15))
    assert np.abs(ranks.steps(volume) - with_giant.steps(volume)).max() <= 1


def test_equal_volumes_share_the_lowest_step():
    assert set(VolumeRanks(np.full(50, 7)).steps(np.full(50, 7)).tolist()) == {0}


def test_cells_without_volume_do_not_count_and_take_the_lowest_step():
    ranks = VolumeRanks(np.concatenate((np.zeros(1000, np.int64), np.arange(1, 161))))
    assert ranks.steps(np.array([0, 160])).tolist() == [0, 15]


def test_ranks_without_volumes_give_the_lowest_step():
    assert VolumeRanks(np.zeros(0, np.int64)).steps(np.array([5])).tolist() == [0]


def test_ranks_misjudge_only_volumes_that_differ_much():
    volume = np.arange(1, 2000)
    ranks = VolumeRanks(volume)
    assert not ranks.misjudges(volume)
    assert not ranks.misjudges(volume + 50)
    assert ranks.misjudges(volume * 4)


def test_delta_steps_run_from_selling_over_balance_to_buying():
    ranks = VolumeRanks(np.arange(1, 1000))
    buy, sell = np.array([0, 500, 990]), np.array([990, 500, 0])
    assert delta_steps(buy, sell, buy + sell, ranks).tolist() == [0, DELTA_STEPS // 2, DELTA_STEPS - 1]


def test_a_small_one_sided_cell_is_faint_but_not_neutral():
    ranks = VolumeRanks(np.arange(1, 1000))
    step = delta_steps(np.array([1]), np.array([0]), np.array([1]), ranks)[0]
    assert DELTA_STEPS // 2 < step < DELTA_STEPS - 3
