# Dots: one row a loss, and in it one marker with its interval for each series (AP50 of small, medium and large defects).
#
# Columns: row (1, 2, ... from the top), label, series (1, 2, ... from the top of the row), name, value, low, high. The
# names of the series stand beside their markers in the first row, which must have all of them.
# Options (xlabel is required):
#   title, xlabel   xlabel with the unit
#   xmin, xmax      the range of the values (that of the data)

known = 'title xlabel xmin xmax'
load scripts.'/style.gp'

if (columns != 7) { exit error "a dots table has the columns row, label, series, name, value, low, high" }
if (!has('xlabel')) { exit error "dots needs the option xlabel" }

# As many pixels a row as its markers and their names need.
rows_shown = HIGH[1]
series = HIGH[3]
row_height = 14 + 12*series
left = 24 + 8.0*WIDTH[2]
right = 24 + 8.0*WIDTH[4]
width = left + 440 + right
top = 14. + title_height
height = top + row_height*rows_shown + 66
eval canvas(width, height)
set tmargin at screen 1 - top/height
set bmargin at screen 66./height
set lmargin at screen left/width
set rmargin at screen (left + 440)/width

set title string('title', '')
set xlabel string('xlabel', '')
unset key
unset grid
set border 1
set grid xtics back lt 1 lw 0.6 lc rgb "#DDDDDD" dt 1
unset ytics
set yrange [rows_shown + 0.5:0.5]

# The range holds every number shown, with a margin of 4 %.
low = COUNT[6] > 0 && LOW[6] < LOW[5] ? LOW[6] : LOW[5]
high = COUNT[7] > 0 && HIGH[7] > HIGH[5] ? HIGH[7] : HIGH[5]
space = high > low ? 0.04*(high - low) : 0.5
low = number('xmin', low - space); high = number('xmax', high + space)
set xrange [low:high]

# A thin line between the rows keeps the markers of a loss together.
do for [row=1:int(rows_shown)-1] {
    set arrow from graph 0, first row + 0.5 to graph 1, first row + 0.5 nohead dt 1 lw 0.6 lc rgb "#DDDDDD" back
}

# The blue of the baseline stays unused.
place(row, s) = row + (s - (series + 1)/2.)*12./row_height
plot for [s=1:int(series)] data skip skip_lines using ($3 == s ? $5 : NaN):(place($1, s)):6:7 with xerrorbars lt s + 1 dt 1, \
     data skip skip_lines using ($1 == 1 ? $7 : NaN):(place($1, $3)):(strcol(4)):($3 + 1) \
         with labels left offset 0.8, 0 tc variable font small, \
     data skip skip_lines using ($3 == LOW[3] ? low : NaN):1:(strcol(2)) with labels right offset -1, 0 tc rgb ink_grey
