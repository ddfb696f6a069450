#pragma once
#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace crosspatch::core {

// What the world refused, in words for the person who has to mend it.
//
// `code` groups errors for callers that branch on them; `context` says what was tried and what came back.
struct Error {
    enum class Code { Invalid, NotFound, NotPermitted, Unavailable, Io, Busy, Exhausted, Internal };
    Code code{Code::Internal};
    std::string context;
};

// Marks the error side when a Result is built: `return Unexpected{Error{…}}`.
template <typename E>
struct Unexpected {
    E error;
};
template <typename E>
Unexpected(E) -> Unexpected<E>;

// A value or the reason why there is none; the interface of C++23's std::expected.
//
// Errors   value() of an error and error() of a value are bugs: asserted.
// Thread   as its value.
template <typename T, typename E = Error>
class [[nodiscard]] Result {
public:
    using value_type = T;
    using error_type = E;

    Result(T value) : held_{std::in_place_index<0>, std::move(value)} {}
    template <typename G>
    Result(Unexpected<G> reason) : held_{std::in_place_index<1>, std::move(reason.error)} {}

    bool has_value() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    T& value() & { return *check_value(); }
    const T& value() const& { return *const_cast<Result*>(this)->check_value(); }
    T&& value() && { return std::move(*check_value()); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return check_value(); }
    const T* operator->() const { return const_cast<Result*>(this)->check_value(); }
    template <typename U>
    T value_or(U&& other) const& {
        return has_value() ? value() : static_cast<T>(std::forward<U>(other));
    }

    const E& error() const {
        const E* reason = std::get_if<1>(&held_);
        assert(reason);
        return *reason;
    }

private:
    T* check_value() {
        T* value = std::get_if<0>(&held_);
        assert(value);
        return value;
    }
    std::variant<T, E> held_;
};

// Success without a value, or the reason.
template <typename E>
class [[nodiscard]] Result<void, E> {
public:
    using value_type = void;
    using error_type = E;

    Result() = default;
    template <typename G>
    Result(Unexpected<G> reason) : held_{std::in_place_index<1>, std::move(reason.error)} {}

    bool has_value() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    const E& error() const {
        const E* reason = std::get_if<1>(&held_);
        assert(reason);
        return *reason;
    }

private:
    std::variant<std::monostate, E> held_;
};

inline Unexpected<Error> unexpected(Error::Code code, std::string context) {
    return Unexpected<Error>{Error{code, std::move(context)}};
}

}  // namespace crosspatch::core
