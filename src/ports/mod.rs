//! What the services need from the world, as traits only.
