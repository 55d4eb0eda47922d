"""A fault simulation: the connector's own use cases on fakes, through everything that can go wrong, from a seed.

`fakes` stands in for AWS and the vendors (the unit tests use it too), `engine` makes time and lets workers run
into each other, `ports` breaks calls and kills workers, `queues` delivers at least once, `trade` makes the
documents, `simulation` runs a batch of them until nothing moves any more and draws up the account.
"""
