//! The one call that the client library's Rust side does not wrap: a topic's id.
//!
//! Everything unsafe of the crate is here. Each pointer that librdkafka hands out is freed exactly once, by the
//! guard that holds it; what is read from one is copied before its guard goes.
#![expect(unsafe_code, reason = "DescribeTopics has no safe wrapper in rdkafka")]

use std::ffi::CString;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;
use uuid::Uuid;

use crate::{MessagingError, TopicDescription};

struct Guard<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Guard<T> {
    fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Result<Self, MessagingError> {
        if pointer.is_null() {
            return Err(MessagingError::Unavailable("no memory for a lookup".to_owned()));
        }
        Ok(Self(pointer, free))
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from the allocating function that belongs to `free`, and is freed only here.
        unsafe { (self.1)(self.0) }
    }
}

/// Blocks for at most about `timeout`.
pub(super) fn describe<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<Option<TopicDescription>, MessagingError> {
    let unusable = |_| MessagingError::Refused("a topic's name cannot hold a zero byte".to_owned());
    let name = CString::new(topic).map_err(unusable)?;
    let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let handle = client.native_ptr();
    // SAFETY: `handle` is valid while `client` is borrowed. The names outlive the call that copies them. Guards
    // are dropped in reverse order: event, options, topics, queue, each before the client can go.
    unsafe {
        let queue = Guard::new(sys::rd_kafka_queue_new(handle), sys::rd_kafka_queue_destroy)?;
        let mut names = [name.as_ptr()];
        let topics = Guard::new(
            sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            sys::rd_kafka_TopicCollection_destroy,
        )?;
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options = Guard::new(
            sys::rd_kafka_AdminOptions_new(handle, operation),
            sys::rd_kafka_AdminOptions_destroy,
        )?;
        let mut why = [0; 256];
        sys::rd_kafka_AdminOptions_set_request_timeout(options.0, milliseconds, why.as_mut_ptr(), why.len());
        sys::rd_kafka_DescribeTopics(handle, topics.0, options.0, queue.0);
        let event = sys::rd_kafka_queue_poll(queue.0, milliseconds.saturating_add(500));
        if event.is_null() {
            return Err(MessagingError::Unavailable("no answer in time".to_owned()));
        }
        let event = Guard::new(event, sys::rd_kafka_event_destroy)?;
        read(event.0)
    }
}

/// # Safety
/// `event` is a live event of the queue above.
unsafe fn read(event: *mut sys::rd_kafka_event_t) -> Result<Option<TopicDescription>, MessagingError> {
    // SAFETY: the result and everything in it belong to the event and live as long as it; counts bound the arrays.
    unsafe {
        let code: RDKafkaErrorCode = sys::rd_kafka_event_error(event).into();
        if code != RDKafkaErrorCode::NoError {
            return Err(MessagingError::from_code(code));
        }
        let result = sys::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err(MessagingError::Unavailable("an answer to another question".to_owned()));
        }
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 {
            return Ok(None);
        }
        let topic = *topics;
        let code: RDKafkaErrorCode =
            sys::rd_kafka_error_code(sys::rd_kafka_TopicDescription_error(topic)).into();
        match MessagingError::from_code(code) {
            _ if code == RDKafkaErrorCode::NoError => {}
            MessagingError::UnknownTopic => return Ok(None),
            error => return Err(error),
        }
        let mut partitions = 0;
        sys::rd_kafka_TopicDescription_partitions(topic, &raw mut partitions);
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        let id = if id.is_null() {
            0
        } else {
            let high = sys::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned();
            let low = sys::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned();
            (u128::from(high) << 64) | u128::from(low)
        };
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        // A broker that does not know topic ids answers zero.
        Ok(Some(TopicDescription { id: (id != 0).then(|| Uuid::from_u128(id)), partitions }))
    }
}
