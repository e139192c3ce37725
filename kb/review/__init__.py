"""What people say about links, laid over the model's."""
