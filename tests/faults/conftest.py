"""Which harnesses the short form leaves to ``make soak``: those not yet seen green whole."""

import os

collect_ignore = [] if os.environ.get("GEO_MINZHENG_SOAK") else ["test_manners.py"]
