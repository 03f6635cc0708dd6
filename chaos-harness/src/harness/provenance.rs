//! What is tested, and in which run of CI: the commit, and what the environment of GitHub Actions says.
