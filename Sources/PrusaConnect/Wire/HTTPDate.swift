/// The value of the header `Retry-After` (RFC 9110, 10.2.3): seconds or a date such as
/// `Sun, 06 Nov 1994 08:49:37 GMT`, for which the wall clock `now` is needed. `nil` for anything else.
func parseRetryAfter(_ text: String, now: Duration) -> Duration? {
    let text = text.trimmed
    if !text.isEmpty, text.utf8.allSatisfy(isDigit) {
        // More digits than that is beyond every limit anyway.
        return .seconds(Int64(text) ?? Int64(Int32.max))
    }
    guard let moment = parseHTTPDate(text) else { return nil }
    return max(.seconds(moment) - now, .zero)
}

/// Seconds since the epoch of an HTTP date in the one form that may be generated (IMF-fixdate).
func parseHTTPDate(_ text: String) -> Int64? {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT",
        let day = Int64(parts[1]), (1...31).contains(day),
        let month = months.firstIndex(of: String(parts[2])),
        let year = Int64(parts[3]), (1970...9999).contains(year)
    else { return nil }
    let time = parts[4].split(separator: ":").compactMap { Int64($0) }
    guard time.count == 3, (0..<24).contains(time[0]), (0..<60).contains(time[1]), (0...60).contains(time[2]) else {
        return nil
    }
    return daysSinceEpoch(year: year, month: Int64(month) + 1, day: day) * 86400
        + time[0] * 3600 + time[1] * 60 + time[2]
}

/// Days since 1 January 1970 in the Gregorian calendar, counted from March so that the leap day comes last.
private func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
}
