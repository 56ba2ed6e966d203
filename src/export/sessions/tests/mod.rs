//! Known answers of lists and stories.

mod list;
