; HEADER_BLOCK_START
; BambuStudio 01.09.05.51
; model printing time: 23m 7s; total estimated time: 29m 41s
; total layer number: 40
; total filament length [mm] : 1500.25
; total filament volume [cm^3] : 3608.53
; total filament weight [g] : 4.55
; max_z_height: 8.00
; HEADER_BLOCK_END

; CONFIG_BLOCK_START
; curr_bed_type = Cool Plate
; cool_plate_temp = 35
; hot_plate_temp = 55
; filament_type = PLA
; layer_height = 0.2
; nozzle_temperature = 220
; sparse_infill_density = 10%
; CONFIG_BLOCK_END

; EXECUTABLE_BLOCK_START
M73 P0 R29
; CHANGE_LAYER
; Z_HEIGHT: 0.2
; LAYER_HEIGHT: 0.2
G1 X10.0 Y20 E.01
G1 X11.1 Y21 E.02
G1 X12.2 Y22 E.03
G1 X13.3 Y23 E.04
G1 X14.4 Y24 E.05
G1 X15.5 Y25 E.06
; CHANGE_LAYER
; Z_HEIGHT: 0.4
; LAYER_HEIGHT: 0.2
G1 X10.0 Y20 E.01
G1 X11.1 Y21 E.02
G1 X12.2 Y22 E.03
G1 X13.3 Y23 E.04
G1 X14.4 Y24 E.05
G1 X15.5 Y25 E.06
; CHANGE_LAYER
; Z_HEIGHT: 0.6
; LAYER_HEIGHT: 0.2
G1 X10.0 Y20 E.01
G1 X11.1 Y21 E.02
G1 X12.2 Y22 E.03
G1 X13.3 Y23 E.04
G1 X14.4 Y24 E.05
G1 X15.5 Y25 E.06
; EXECUTABLE_BLOCK_END
