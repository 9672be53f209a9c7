"""Installs the vehicle's half of the project; offline/ is a program that runs from the checkout."""

import re
from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = 'uda_seg_ros'
SHARE = f'share/{PACKAGE}'
VERSION = re.search(r"__version__ = '(.+)'", Path(PACKAGE, '__init__.py').read_text(encoding='utf-8')).group(1)

setup(
    name=PACKAGE,
    version=VERSION,
    description='Semantic segmentation of ROS 2 camera topics: a lifecycle node, networks, bundles and a procedural world',
    license='Apache-2.0',
    maintainer='uda_seg_ros maintainers',
    maintainer_email='maintainers@uda-seg-ros.example',
    python_requires='>=3.10',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    package_data={PACKAGE: ['bundles/*/*']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (SHARE, ['package.xml']),
        (f'{SHARE}/launch', sorted(glob('launch/*.launch.py'))),
        (f'{SHARE}/config', sorted(glob('config/*'))),
    ],
    install_requires=['numpy', 'opencv-python-headless', 'pyyaml', 'safetensors', 'torch', 'tqdm'],
    extras_require={'test': ['pytest', 'pytest-timeout'], 'report': ['plotly>=6']},
    zip_safe=False,
    entry_points={'console_scripts': [
        f'segmentation_node = {PACKAGE}.ros.segmentation_node:main',
        f'bench_node = {PACKAGE}.ros.throughput:main',
        f'evaluate_bag = {PACKAGE}.cli:evaluate_bag',
        f'uda_seg = {PACKAGE}.cli:command',
    ]},
)
