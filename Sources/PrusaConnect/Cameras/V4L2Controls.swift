import CV4L2
import Glibc

// Rotation, exposure and focus of a camera as controls of its device.
//
// | setting | controls |
// | --- | --- |
// | rotation | the angle |
// | exposure | automatic with a bias, where the device has one; else 0 EV is automatic, and anything else a fixed time: the device's default, twice as long for each EV |
// | focus | automatic off, then the distance |
//
// What is not configured is left as it is: it may have been set by hand.

/// What a control takes.
struct V4L2Range: Sendable, Hashable {
    var minimum: Int32
    var maximum: Int32
    var step: Int32 = 1
    /// The device's default.
    var standard: Int32 = 0

    /// The value that the control takes and that is next to `wanted`.
    func nearest(to wanted: Double) -> Int32 {
        guard minimum <= maximum else { return standard }
        let (low, high, step) = (Double(minimum), Double(maximum), Double(max(step, 1)))
        let value = low + ((min(max(wanted, low), high) - low) / step).rounded() * step
        return Int32(value <= high ? value : value - step)
    }

    /// Focus from near, 0, to far, 1. For V4L2 larger is nearer.
    func focus(_ focus: Double) -> Int32 { nearest(to: Double(maximum) - focus * (Double(maximum) - Double(minimum))) }

    /// Time of exposure for so many EV more than the device's default.
    func time(_ exposure: Double) -> Int32 { nearest(to: Double(standard) * exp2(exposure)) }
}

/// The controls of a device.
protocol V4L2Controls {
    /// `nil` when the device does not have the control or lets nobody set it.
    func range(of control: cv4l2_control_id) -> V4L2Range?
    /// The entries of a menu: the numbers that they stand for, 0 where they stand for texts.
    func menu(_ control: cv4l2_control_id) -> [Int32: Int64]
    /// Sets a control. What fails is left as it is: a picture as the camera likes it is better than none.
    func set(_ control: cv4l2_control_id, _ value: Int32)
}

extension V4L2Controls {
    /// What can be set.
    var capabilities: Set<CameraCapability> {
        var found: Set<CameraCapability> = []
        if range(of: CV4L2_ROTATE) != nil { found.insert(.rotation) }
        let hasTime = range(of: CV4L2_EXPOSURE_AUTO) != nil && range(of: CV4L2_EXPOSURE_ABSOLUTE) != nil
        if hasTime || range(of: CV4L2_AUTO_EXPOSURE_BIAS) != nil { found.insert(.exposure) }
        if range(of: CV4L2_FOCUS_ABSOLUTE) != nil { found.insert(.focus) }
        return found
    }

    /// Sets what is configured and what the device has.
    func apply(_ configuration: CameraConfiguration) {
        if let rotation = configuration.rotation, let range = range(of: CV4L2_ROTATE) {
            set(CV4L2_ROTATE, range.nearest(to: Double(rotation)))
        }
        if let exposure = configuration.exposure { apply(exposure: exposure) }
        if let focus = configuration.focus, let range = range(of: CV4L2_FOCUS_ABSOLUTE) {
            // Otherwise it would be set back at once.
            if self.range(of: CV4L2_FOCUS_AUTO) != nil { set(CV4L2_FOCUS_AUTO, 0) }
            set(CV4L2_FOCUS_ABSOLUTE, range.focus(focus))
        }
    }

    private func apply(exposure: Double) {
        let hasMode = range(of: CV4L2_EXPOSURE_AUTO) != nil
        let modes = hasMode ? menu(CV4L2_EXPOSURE_AUTO) : [:]
        // Either of them leaves the time to the camera; web cameras have the second one only.
        let automatic = [V4L2_EXPOSURE_AUTO, V4L2_EXPOSURE_APERTURE_PRIORITY]
            .map { Int32($0.rawValue) }.first { modes[$0] != nil }
        if range(of: CV4L2_AUTO_EXPOSURE_BIAS) != nil {
            let nearest = menu(CV4L2_AUTO_EXPOSURE_BIAS)
                .map { (entry: $0.key, distance: abs(Double($0.value) - exposure * 1000)) }
                .min { ($0.distance, $0.entry) < ($1.distance, $1.entry) }
            if let automatic { set(CV4L2_EXPOSURE_AUTO, automatic) }
            if let nearest { set(CV4L2_AUTO_EXPOSURE_BIAS, nearest.entry) }
        } else if exposure == 0 {
            if let automatic { set(CV4L2_EXPOSURE_AUTO, automatic) }
        } else if let time = range(of: CV4L2_EXPOSURE_ABSOLUTE), hasMode {
            set(CV4L2_EXPOSURE_AUTO, Int32(V4L2_EXPOSURE_MANUAL.rawValue))
            set(CV4L2_EXPOSURE_ABSOLUTE, time.time(exposure))
        }
    }
}
