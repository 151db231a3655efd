"""What setup.cfg cannot say: an installed vdes carries the bundles as its folder vdes/bundle/shipped."""

from setuptools import find_packages, setup

SHIPPED = "vdes.bundle.shipped"

setup(packages=[*find_packages(include=["vdes", "vdes.*"]), SHIPPED], package_dir={SHIPPED: "bundles"})
