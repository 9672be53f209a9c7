"""The node: a camera topic in, masks out. `ros2 run uda_seg_ros segmentation_node`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args
from std_srvs.srv import SetBool

from ..runtime import beside
from . import label_info
from .adaptation_services import AdaptationServices
from .camera import input_topics
from .diagnostics import Diagnostics
from .lifecycle import GuardedLifecycleNode, SetupError
from .parameters import ParameterError, Parameters

if TYPE_CHECKING:
    from .pipeline import Pipeline

WATCH_PERIOD_S = 0.2
HINT_AFTER_S = 10.0


class SegmentationNode(GuardedLifecycleNode):
    """Lifecycle node: parameters, services, diagnostics and timers here; the work is the pipeline's.

    ending: what notes the process's signals; None where nothing does. Raises ParameterError if a parameter is given a value
    that it cannot have.
    """

    def __init__(self, ending: Ending | None = None) -> None:
        super().__init__('segmentation_node')
        self._ending = ending
        self.pipeline: Pipeline | None = None
        self.parameters = Parameters(self, lambda: self.pipeline is not None, self._on_change)
        self._diagnostics = Diagnostics(self)
        self._idle_since_s, self._hinted, self._namesake_seen = time.monotonic(), False, False
        self.create_service(SetBool, '~/enable', self._enable)
        AdaptationServices(self, lambda: self.pipeline and self.pipeline.adaptation)
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # simulated time may stand still, and that is to be told
        self.create_timer(WATCH_PERIOD_S, self._watch, clock=steady)
        self._reporting = self.create_timer(self.parameters['diagnostic_updater.period'], self._diagnose, clock=steady)

    def ended(self) -> bool:
        """Also once a signal asked for it: an error that an import makes of that is no failure."""
        return super().ended() or (self._ending is not None and self._ending.asked)

    def configure(self) -> None:
        """Load torch, network and classes."""
        started_s = time.monotonic()
        self._reporting.timer_period_ns = round(self.parameters['diagnostic_updater.period'] * 1e9)
        self.get_logger().info('loading PyTorch and the network')
        os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch: waiting threads must not spin beside other work
        with self._ending.put_off() if self._ending else nullcontext():
            try:
                import torch  # here, so that services answer first; and before OpenCV, whose libraries can lack room for it
            except ImportError as error:
                raise SetupError(f'PyTorch cannot be imported by {sys.executable}: {error}; install it with '
                                 '`pip install torch`, or start the node with the Python that has it') from error
            from .pipeline import Pipeline
        self.pipeline = Pipeline(self, self.parameters)
        self.get_logger().info(
            f'{self.pipeline.network} of {self.pipeline.folder} on {self.pipeline.engine.device} '
            f'({self.pipeline.engine.precision}, torch {torch.__version__}), ready in {time.monotonic() - started_s:.1f} s')
        if self.parameters['device'] == 'auto' and self.pipeline.engine.device.type == 'cpu':
            self.get_logger().warning('no CUDA device is here: the network runs on the CPU (device:=cpu asks for that)')
        if label_info.LabelInfo is None:
            self.get_logger().warning(label_info.MISSING, once=True)

    def activate(self) -> None:
        """Subscribe, announce the classes, segment."""
        self.pipeline.start()
        topics = ', '.join(lane.camera.topic for lane in self.pipeline.lanes)
        self.get_logger().info(f'segmenting {topics}')

    def deactivate(self) -> None:
        """Unsubscribe; network and publishers stay."""
        self.pipeline.stop()

    def release(self) -> None:
        """Drop network, publishers and subscriptions."""
        pipeline, self.pipeline = self.pipeline, None
        if pipeline is not None:
            pipeline.close()

    def _on_change(self, changed: set[str]) -> None:
        if self.pipeline is not None:
            self.pipeline.renew(changed)

    def _enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success = self.pipeline is not None
        if self.pipeline is None:
            response.message = 'not configured; there is nothing to enable'
        else:
            self.pipeline.enable(request.data)
            response.message = 'segmenting' if request.data else 'frames are dropped until enabled again'
        return response

    def _watch(self) -> None:
        if self.state == 'active':
            self._idle_since_s, self._hinted = time.monotonic(), False
            self.pipeline.watch()
        elif not self._hinted and time.monotonic() - self._idle_since_s > HINT_AFTER_S:
            self._hint()
        own = (self.get_name(), self.get_namespace())
        if not self._namesake_seen and self.get_node_names_and_namespaces().count(own) > 1:
            self._namesake_seen = True
            self.get_logger().warning(f'another node is named {self.get_fully_qualified_name()}: services answer by chance; '
                                      'give one of them another name (-r __node:=<name>)')

    def _hint(self) -> None:
        """Tell once how to activate a node that images wait for."""
        for name in self.parameters['cameras'] or ('',):
            topic, _ = input_topics(self, f'{name}/' if name else '', self.parameters['image_transport'])
            if self.count_publishers(topic) and self.state in ('unconfigured', 'inactive'):
                self._hinted = True
                steps = ('configure', 'activate') if self.state == 'unconfigured' else ('activate',)
                commands = ' && '.join(f'ros2 lifecycle set {self.get_fully_qualified_name()} {step}' for step in steps)
                self.get_logger().info(f'{topic} has a publisher, but this node is {self.state}; start it with: {commands}')
                return

    def _diagnose(self) -> None:
        self._diagnostics.publish(self.state, self.pipeline)


class EndedBySignal(BaseException):
    """The start was interrupted.

    Not a KeyboardInterrupt: if one leaves the exec() of a text on its way, as dataclasses have it when they are made, Python
    kills the process with SIGINT at its end although the exception was caught.
    """


class Ending:
    """Ctrl-C and SIGTERM, met in the main thread.

    rclpy's own handlers shut ROS down from another thread, under whoever publishes just then, which can crash the process.
    While the node spins a signal is noted in `asked`; before, it interrupts the start: raises EndedBySignal. While it is put
    off, the first is noted and the second ends the process at once.
    """

    def __init__(self) -> None:
        self.asked = self.spinning = self._puts_off = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)

    def __call__(self, *_: object) -> None:
        again, self.asked = self.asked, True
        if self._puts_off and again:
            sys.stderr.flush()
            os._exit(0)
        if not self.spinning and not self._puts_off:
            raise EndedBySignal

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """While libraries load: an exception that comes to their C++ code out of Python makes them abort the process."""
        self._puts_off = True
        try:
            yield
        finally:
            self._puts_off = False
        if self.asked and not self.spinning:
            raise EndedBySignal

    @staticmethod
    def ignore() -> None:
        """One Ctrl-C often arrives twice: from the terminal and from launch."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def run(node: SegmentationNode, ending: Ending) -> int:
    """Start by itself if so asked, and spin. Returns the exit code: 1 if the start fails."""
    if node.parameters['autostart'] and not node.autostart():
        return 0 if node.ended() else 1
    # Not the EventsExecutor: it crashes when endpoints with event callbacks are destroyed (ros2/rclpy#1644).
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    ending.spinning = True
    while not node.ended():
        executor.spin_once(timeout_sec=WATCH_PERIOD_S)
    return 0


def main(args: list[str] | None = None) -> int:
    """Run the node until Ctrl-C or SIGTERM. Returns 0 then; 1 if an argument is wrong or the start fails.

    args: as sys.argv, with the program's name. Raises SystemExit for --help and for arguments that are not of ROS.
    """
    parser = argparse.ArgumentParser(
        prog='segmentation_node', description='Segment camera topics. Every parameter stands in config/segment.yaml.',
        usage='%(prog)s [-h] [--ros-args -r image:=TOPIC -p NAME:=VALUE --params-file FILE ...]')
    try:
        parser.parse_args(remove_ros_args(sys.argv if args is None else args)[1:])
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # RCLError and its kin, which Humble does not export in public
        print(f'segmentation_node: error: {" ".join(str(error).split())}', file=sys.stderr)
        return 1
    ending, node, code = Ending(), None, 0
    try:
        node = SegmentationNode(ending)
        code = run(node, ending)
    except ParameterError as error:
        rclpy.logging.get_logger('segmentation_node').fatal(str(error))
        code = 1
    except (EndedBySignal, ExternalShutdownException):
        pass
    finally:
        ending.ignore()
        if node is not None:
            end(node, code)
        rclpy.try_shutdown()
    beside.leave(code)
    return code


def end(node: SegmentationNode, code: int) -> None:
    """Let go of everything. A frame that takes longer than 2 s is not waited for: the process ends under it."""
    if node.pipeline is not None and not node.pipeline.stop():
        sys.stderr.flush()
        os._exit(code)
    node.release()
    node.destroy_node()


if __name__ == '__main__':
    sys.exit(main())
