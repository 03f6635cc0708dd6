//! A test program of experiments in several modules: the tests run it with all kinds of arguments.

mod cart;
mod stock;

chaos_harness::main!();
