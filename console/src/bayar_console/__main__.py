"""`python -m bayar_console` is `bayar-console`."""

import sys

from bayar_console.server import main

sys.exit(main())
