"""`python -m ahernet_tf` is the command `ahernet`, in a checkout as well."""

import sys

from ahernet_tf import command

if __name__ == "__main__":
    sys.exit(command.main())
