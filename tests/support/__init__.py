"""What tests share: the command as people run it, small knowledge bases, a site to crawl, oracles."""
