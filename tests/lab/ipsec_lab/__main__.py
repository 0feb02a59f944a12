import sys

from ipsec_lab.cli import main

sys.exit(main())
