"""What a question needs read of a chart: all pages, checked, and no more records than it takes."""
