import gc

import numpy as np
import pytest
import torch

from uda_seg_ros.runtime.engine import PATIENT, URGENT, Engine, EngineOutOfMemory
from uda_seg_ros.structures import Weights

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('half, agreement', [(False, 0.999), (True, 0.97)])
def test_the_gpu_gives_the_labels_of_the_cpu(lively_bundle, picture, half, agreement):
    frame = picture(120, 160)
    on_cpu = Engine(lively_bundle, device='cpu')(frame)
    on_gpu = Engine(lively_bundle, device='cuda', half=half)(frame, entropy=True)
    assert (on_cpu.mask == on_gpu.mask).mean() >= agreement
    assert on_gpu.mask.shape == on_gpu.confidence.shape == on_gpu.entropy.shape == (120, 160)
    assert half or np.abs(on_cpu.confidence.astype(int) - on_gpu.confidence).mean() < 1


def test_weights_are_swapped_on_the_gpu(lively_bundle, picture):
    tensors = {name: tensor * 1.1 if tensor.is_floating_point() else tensor
               for name, tensor in lively_bundle.tensors.items()}
    on_cpu, on_gpu = (Engine(lively_bundle, device=device) for device in ('cpu', 'cuda'))
    for engine in (on_cpu, on_gpu):
        engine.load_weights(Weights(2, tensors))
    frame = picture(120, 160)
    assert (on_cpu(frame).mask == on_gpu(frame).mask).mean() >= 0.999
    assert on_gpu(frame).weights_version == 2


def test_close_gives_all_memory_back(lively_bundle, picture):
    left = []
    for _ in range(3):  # what CUDA's libraries allocate once for the process stays after the first
        engine = Engine(lively_bundle, device='cuda')
        engine(picture(120, 160), entropy=True)
        in_use = torch.cuda.memory_allocated()
        engine.close()
        gc.collect()
        left.append(torch.cuda.memory_allocated())
        assert in_use > left[-1]
    assert left[0] == left[1] == left[2]


def test_too_large_an_output_is_an_error_and_the_next_frame_goes_on(lively_bundle, picture):
    engine = Engine(lively_bundle, device='cuda', output_size='99999x99999')
    with pytest.raises(EngineOutOfMemory, match='out of memory'):
        engine(picture(64, 64))
    engine.output_size = 'input'
    assert engine(picture(64, 64)).mask.shape == (64, 64)


@pytest.mark.parametrize('urgent, priority', [(True, URGENT), (False, PATIENT)])
def test_frames_run_on_a_stream_that_goes_first_unless_told_otherwise(lively_bundle, picture, urgent, priority):
    engine, seen = Engine(lively_bundle, device='cuda', urgent=urgent), []
    engine.stages()[1].register_forward_pre_hook(lambda *_: seen.append(torch.cuda.current_stream().priority))
    engine(picture(120, 160))
    with torch.cuda.stream(torch.cuda.Stream(priority=PATIENT)):
        engine(picture(120, 160))
        assert torch.cuda.current_stream().priority == PATIENT
    assert seen == [priority, priority] and URGENT < PATIENT


def test_a_swap_waits_for_what_made_the_weights_and_the_next_frame_for_the_swap(lively_bundle, picture):
    engine, frame = Engine(lively_bundle, device='cuda'), picture(120, 160)
    frozen = engine(frame).mask
    tensors = {name: tensor.cuda() for name, tensor in lively_bundle.tensors.items()}
    busy = torch.ones(4096, 4096, device='cuda')
    for version in range(1, 20):
        for _ in range(20):
            busy = busy @ busy / 4096  # a queue of work on the caller's stream before the weights are made
        made = {name: tensor + (0 * busy[0, 0]).to(tensor.dtype) for name, tensor in tensors.items()}
        engine.load_weights(Weights(version, made))
        answer = engine(frame)
        assert answer.weights_version == version and (answer.mask == frozen).mean() >= 0.999
