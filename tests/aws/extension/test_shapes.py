"""The stand-ins held against AWS's own models: python test_shapes.py, or python -m unittest test_shapes."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cases_control import *
from cases_judge import *
from cases_kms import *
from cases_redshift import *
from cases_serverless import *
from cases_snapshots import *
from cases_trail import *

if __name__ == "__main__":
    unittest.main()
