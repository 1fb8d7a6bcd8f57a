"""Kills the writers of an audit journal at random points, and checks that the trail keeps its promises."""
