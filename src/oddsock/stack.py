"""Composition root: boots the cluster and applies the shop's manifests."""
