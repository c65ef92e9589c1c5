"""From clip features and annotations on disk to the training streams.

`dataset.Dataset.load` reads a data set directory and checks it; `pipelines` turns it
into `tf.data` streams. The rest can be used alone: `annotations`, `features`,
`resampling`.
"""
