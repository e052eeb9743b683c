; thumbnail begin 220x124 280
; iVBORw0KGgoAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMT
; IzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl9gYWJjZGVmZ2hpamts
; bW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGio6Slpq
; eoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr/AwcLDxMXGxw==
; thumbnail end
M73 P0 R62
M73 Q0 S63
;Z:0.2
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
G1 X1
;;;
; filament used [mm] = 1234.5
; filament used [cm3] = 2.97
; filament used [g] = 3.68
; filament cost = 0.09
; estimated printing time (normal mode) = 1h 2m 3s
; bed_temperature = 60
; brim_width = 0
; filament_type = PLA
; fill_density = 15%
; ironing = 0
; layer_height = 0.2
; max_layer_z = 12.4
; nozzle_diameter = 0.4
; printer_model = MK3S
; support_material = 0
; temperature = 215
