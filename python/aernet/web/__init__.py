"""What the servers of this package share: the address, who may ask, and how long a request may take."""
