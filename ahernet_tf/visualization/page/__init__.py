"""A page to look at results with: scores, errors, and every video on its timeline.

`html_page.write_page` writes one file that any browser shows, without a network. Its
numbers are those of `ahernet_tf.evaluation`; style and scripts lie beside this file.
"""
