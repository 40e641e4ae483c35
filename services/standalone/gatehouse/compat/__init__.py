"""Classes of the programs that Gatehouse takes the place of, as libraries on its engine."""
