/// The sandbox: an org on your laptop.
