"""Speed and size, as ratios within one run: the commands, and the chart tools against what they ask for."""
