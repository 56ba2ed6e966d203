//! Compact storage of optional parts: one word, and no memory if empty.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// What can say nothing.
pub trait Empty: Default + PartialEq + 'static {
    /// That which says nothing.
    const EMPTY: &'static Self;
}

/// A part that several have alike, and share; who writes it has its own from then on.
pub struct CowArc<T>(Option<Arc<T>>);

impl<T: Empty> CowArc<T> {
    pub fn new(part: T) -> Self {
        Self((part != *T::EMPTY).then(|| Arc::new(part)))
    }

    /// Whether two have the same one, not only an equal one.
    pub fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }
}

impl<T> Clone for CowArc<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for CowArc<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Empty> Deref for CowArc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::EMPTY)
    }
}

impl<T: Empty + Clone> DerefMut for CowArc<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl<T: Empty> PartialEq for CowArc<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || **self == **other
    }
}

impl<T: Empty + fmt::Debug> fmt::Debug for CowArc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A part that few have anything of.
#[derive(Clone)]
pub struct OptionBox<T>(Option<Box<T>>);

impl<T> Default for OptionBox<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Empty> OptionBox<T> {
    pub fn new(part: T) -> Self {
        Self((part != *T::EMPTY).then(|| Box::new(part)))
    }

    /// What it says, to be extended.
    pub fn into_inner(self) -> T
    where
        T: Default,
    {
        self.0.map_or_else(T::default, |part| *part)
    }

    /// Whether it says anything; one that was emptied does not.
    pub fn says(&self) -> bool {
        self.0.as_deref().is_some_and(|part| *part != *T::EMPTY)
    }
}

impl<T: Empty> Deref for OptionBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::EMPTY)
    }
}

impl<T: Empty> DerefMut for OptionBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Empty> PartialEq for OptionBox<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Empty + fmt::Debug> fmt::Debug for OptionBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Empty for u32 {
        const EMPTY: &'static Self = &0;
    }

    #[test]
    fn who_writes_a_shared_part_has_its_own() {
        let one = CowArc::new(7);
        let mut other = one.clone();
        assert!(other.is(&one));
        *other += 1;
        assert_eq!((*one, *other), (7, 8));
        assert!(!other.is(&one) && other != one);
        *other -= 1;
        assert!(!other.is(&one) && other == one, "equal, and not the same");
    }

    #[test]
    fn a_part_that_says_nothing_takes_no_memory_and_is_equal_to_one_that_was_emptied() {
        let (mut shared, mut apart) = (CowArc::<u32>::default(), OptionBox::<u32>::default());
        assert_eq!((*shared, *apart, apart.says()), (0, 0, false));
        assert!(CowArc::new(0).is(&shared));
        (*shared, *apart) = (1, 1);
        assert_ne!(
            (&shared, &apart),
            (&CowArc::default(), &OptionBox::default())
        );
        assert!(apart.says() && !CowArc::new(0).is(&shared));
        (*shared, *apart) = (0, 0);
        assert!(!apart.says());
        assert_eq!((shared, apart), (CowArc::default(), OptionBox::default()));
    }
}
