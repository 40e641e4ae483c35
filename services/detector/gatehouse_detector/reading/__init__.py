"""From a picture to the plates in it: find candidates, read them, judge what is a plate."""
