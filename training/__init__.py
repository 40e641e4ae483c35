"""How the plate reader's weights are made: rendered plates, a small network, and its export. No part of the product."""
