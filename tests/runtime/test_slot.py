import threading
import time

from uda_seg_ros.runtime.slot import Slot


def test_the_newest_wins_and_the_loss_is_counted():
    slot = Slot()
    assert [slot.put(value) for value in (1, 2, 3)] == [False, True, True]
    assert slot.dropped == 2
    assert slot.take(0) == 3
    assert slot.take(0) is None
    assert slot.put(4) is False


def test_take_waits_for_a_value_and_no_longer_than_told():
    slot, waited_s = Slot(), []
    for _ in range(3):  # a computer may stand still once
        start = time.monotonic()
        assert slot.take(0.05) is None
        waited_s.append(time.monotonic() - start)
    assert 0.04 < min(waited_s) < 2
    timer = threading.Timer(0.05, slot.put, ['late'])
    timer.start()
    assert slot.take(10) == 'late'
    timer.join()


def test_nothing_is_lost_or_doubled_between_threads():
    slot, taken, total = Slot(), [], 20_000

    def consume():
        while (value := slot.take(5)) != total:
            taken.append(value)

    consumer = threading.Thread(target=consume)
    consumer.start()
    for value in range(total + 1):
        slot.put(value)
    consumer.join(10)
    assert not consumer.is_alive()
    assert taken == sorted(set(taken))
    assert len(taken) + slot.dropped == total
