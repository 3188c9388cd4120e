"""python -m braintree_twin"""

import sys

from braintree_twin.cli import main

sys.exit(main())
