//! Services, the backends that run them, and the routes that lead to them.

mod name;

pub use name::ServiceName;
