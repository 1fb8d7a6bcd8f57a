"""Notes: from the attachments of a chart to passages that can be searched, cited and opened."""
