"""Publishers of one camera, and the pictures that go through them: only those that somebody wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cached_property

import cv2
import numpy as np
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from ..labels import LabelSpace
from ..runtime.render import colorize, overlay
from ..structures import Segmentation
from .camera_info import scale_camera_info
from .convert import to_compressed, to_image
from .parameters import Parameters
from .qos import image_qos, overridable, publisher_events
from .rates import Rate


class Pictures:
    """What can be published of one segmented frame; each is made when it is asked for, colours once."""

    def __init__(self, image: np.ndarray, segmentation: Segmentation, palette: np.ndarray, alpha: float) -> None:
        self._image, self.segmentation = image, segmentation
        self._palette, self._alpha = palette, alpha

    @cached_property
    def color_mask(self) -> np.ndarray:
        return colorize(self.segmentation.mask, self._palette)

    @cached_property
    def overlay(self) -> np.ndarray:
        """As large as the mask: segmentation/camera_info holds for it too."""
        image, (height, width) = self._image, self.segmentation.mask.shape
        if image.shape[:2] != (height, width):
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        return overlay(image, self.color_mask, self._alpha)

    def confidence(self, encoding: str) -> np.ndarray:
        confidence = self.segmentation.confidence
        return confidence if encoding == 'mono8' else confidence.astype(np.float32) / 255


Maker = Callable[[Pictures, Header, Parameters], Image | CompressedImage]
# In the order of publishing: what machines wait for first. Each with its type, the parameter that offers it, its maker, and
# its meaning for the interface reference.
OUTPUTS: dict[str, tuple[type, str, Maker, str]] = {
    'mask': (Image, '', lambda p, header, _: to_image(p.segmentation.mask, 'mono8', header),
             'mono8: train ids, 255 = unlabelled.'),
    'confidence': (Image, 'publish_confidence', lambda p, header, parameters: to_image(
        p.confidence(parameters['confidence_encoding']), parameters['confidence_encoding'], header),
        'mono8, 255 = certain; or 32FC1 (parameter confidence_encoding).'),
    'entropy': (Image, 'publish_entropy', lambda p, header, _: to_image(p.segmentation.entropy, '32FC1', header),
                '32FC1, 0..1: 1 = all classes equally likely.'),
    'color_mask': (Image, 'publish_color_mask', lambda p, header, _: to_image(p.color_mask, 'rgb8', header),
                   "rgb8: each pixel in its class's colour."),
    'overlay': (Image, 'publish_overlay', lambda p, header, _: to_image(p.overlay, 'rgb8', header),
                'rgb8: the picture, tinted with the colour mask.'),
    'mask/compressed': (CompressedImage, '',
                        lambda p, header, _: to_compressed(p.segmentation.mask, 'mono8', header, 'png'),
                        'The mask as PNG: no id is changed.'),
    'color_mask/compressed': (CompressedImage, 'publish_color_mask',
                              lambda p, header, _: to_compressed(p.color_mask, 'rgb8', header, 'png'),
                              'The colour mask as PNG.'),
    'overlay/compressed': (CompressedImage, 'publish_overlay',
                           lambda p, header, _: to_compressed(p.overlay, 'rgb8', header, 'jpeg'),
                           'The overlay as JPEG.'),
}


class Outputs:
    """The publishers of one camera. Made, renewed and closed in the executor's thread; published through by the worker.

    prefix: '' or '<camera>/'. Topics are <prefix>segmentation/<output>.
    """

    def __init__(self, node: Node, prefix: str, parameters: Parameters, labels: LabelSpace) -> None:
        self.rates = {name: Rate() for name in OUTPUTS}
        self._node, self._prefix, self._parameters = node, prefix, parameters
        self._palette = labels.palette()
        self._publishers: dict[str, Publisher] = {}
        self._lock = threading.Lock()  # a publisher must not vanish while the worker publishes
        self._camera_info = self._create('camera_info', CameraInfo)
        self.renew()

    def renew(self) -> None:
        """Offer what the parameters publish_* say, and nothing else."""
        with self._lock:
            for name, (kind, switch, *_) in OUTPUTS.items():
                offered = not switch or self._parameters[switch]
                if offered and name not in self._publishers:
                    self._publishers[name] = self._create(name, kind)
                elif not offered and name in self._publishers:
                    self._node.destroy_publisher(self._publishers.pop(name))

    def close(self) -> None:
        with self._lock:
            for publisher in (self._camera_info, *self._publishers.values()):
                self._node.destroy_publisher(publisher)
            self._publishers.clear()

    def wanted(self) -> frozenset[str]:
        """The outputs that somebody subscribes to, camera_info among them; all that are offered if the node is not lazy."""
        with self._lock:
            publishers = {'camera_info': self._camera_info, **self._publishers}
            return frozenset(name for name, publisher in publishers.items()
                             if not self._parameters['lazy'] or publisher.get_subscription_count() > 0)

    def publish(self, wanted: frozenset[str], image: np.ndarray, segmentation: Segmentation, header: Header,
                info: CameraInfo | None) -> None:
        """Publish what is wanted of one frame. image: HxWx3 RGB. header: the input's, copied to every output."""
        pictures = Pictures(image, segmentation, self._palette, self._parameters['overlay_alpha'])
        with self._lock:
            for name, (_, _, make, _) in OUTPUTS.items():
                if name in wanted and name in self._publishers:
                    self._publishers[name].publish(make(pictures, header, self._parameters))
                    self.rates[name].tick(time.monotonic_ns())
            if info is not None and 'camera_info' in wanted:
                height, width = segmentation.mask.shape
                self._camera_info.publish(scale_camera_info(info, width, height, header))

    def _create(self, name: str, kind: type) -> Publisher:
        return create_output(self._node, f'{self._prefix}segmentation/{name}', kind, self._parameters)


def create_output(node: Node, topic: str, kind: type, parameters: Parameters) -> Publisher:
    """A publisher with the quality of service that the parameters say."""
    qos = image_qos(parameters['output_reliability'], parameters['queue_depth'])
    events = publisher_events(node, topic, 'set output_reliability:=reliable')
    overrides = overridable(node.resolve_topic_name(topic), parameters.given)
    return node.create_publisher(kind, topic, qos, event_callbacks=events, qos_overriding_options=overrides)
