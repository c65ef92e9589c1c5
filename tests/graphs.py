"""What a TensorFlow graph runs."""


def needed_by(operations):
    """Returns the operations that have to run for some to have run, those included."""
    needed, queue = set(), list(operations)
    while queue:
        operation = queue.pop()
        if operation not in needed:
            needed.add(operation)
            queue += [tensor.op for tensor in operation.inputs]
            queue += operation.control_inputs
    return needed
