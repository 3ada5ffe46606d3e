"""The worker's server loop, run in a thread of this process on a real socket."""
