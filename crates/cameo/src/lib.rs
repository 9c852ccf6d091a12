//! The flow of Cameo, told in order.
